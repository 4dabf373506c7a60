import { describe, expect, it } from 'vitest'
import { decideClose, type SourceStanding } from './close-decision.ts'

const interval = { startsAt: 1_000, endsAt: 2_000 }
const source = (changes: Partial<SourceStanding> = {}): SourceStanding => ({
  source: 'chat-1',
  epoch: 1,
  state: 'alive',
  startedAt: 500,
  reportedAt: 2_000,
  lastSeq: 10,
  stagedThrough: 10,
  lastStamp: 1_500,
  ...changes,
})
const decide = (sources: SourceStanding[], rollCallTakenAt = 2_000) =>
  decideClose(interval, { rollCallTakenAt, sources })
const why = (changes: Partial<SourceStanding>) => {
  const decision = decide([source(changes)])
  return decision.close ? 'closed' : decision.holding.map((held) => held.why)[0]
}

describe('an interval', () => {
  it('closes when every source has reported past its end and all numbered events are staged', () => {
    expect(decide([source(), source({ source: 'chat-2', reportedAt: 2_400 })])).toEqual({ close: true })
  })

  it('is held open by a source that has not reported past its end, however long that takes', () => {
    expect(why({ reportedAt: 1_999 })).toBe('silent')
    expect(decide([source({ reportedAt: 1_999 })], 9_999_999)).toMatchObject({ close: false, why: 'sources' })
  })

  it('is held open by a source whose events have not arrived', () => {
    expect(why({ stagedThrough: 9 })).toBe('behind')
  })

  it('is held open until the events of an ended source have arrived, and needs no report of it', () => {
    expect(why({ state: 'dead', reportedAt: 1_200, stagedThrough: 9 })).toBe('behind')
    expect(why({ state: 'dead', reportedAt: 1_200 })).toBe('closed')
    expect(why({ state: 'fenced', reportedAt: 1_200 })).toBe('closed')
    expect(why({ state: 'stopped', reportedAt: 1_200 })).toBe('closed')
  })

  it('is not held open by a busy source: an event stamped past the end proves that everything before it is staged', () => {
    expect(why({ reportedAt: 9_000, lastSeq: 5_000, stagedThrough: 10, lastStamp: 2_000 })).toBe('closed')
  })

  it('is held open by a source known only from its events, before any source progress', () => {
    expect(why({ reportedAt: 0, lastSeq: 0 })).toBe('silent')
  })

  it('is not held open by a source that started after its end', () => {
    expect(why({ startedAt: 2_000, lastSeq: 3, stagedThrough: 0, lastStamp: 0 })).toBe('closed')
  })

  it('does not close before a source progress taken at its end: a source might be missing from the list', () => {
    expect(decide([source()], 1_999)).toMatchObject({ close: false, why: 'no-roll-call' })
    expect(decide([], 1_999)).toMatchObject({ close: false, why: 'no-roll-call' })
  })

  it('names every source that holds it open, and what is missing', () => {
    expect(decide([source({ stagedThrough: 7 }), source({ source: 'chat-2', reportedAt: 1_700 })])).toEqual({
      close: false,
      why: 'sources',
      holding: [
        { source: 'chat-1', epoch: 1, why: 'behind', reportedAt: 2_000, missing: 3 },
        { source: 'chat-2', epoch: 1, why: 'silent', reportedAt: 1_700, missing: 0 },
      ],
    })
  })
})
