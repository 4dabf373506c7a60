import type { ComplianceEvent, EventPrincipal } from '@hansard/compliance-event'
import { describe, expect, it } from 'vitest'
import { eventWeight, type FoldOptions, foldConversations, type RoomSlice } from './fold.ts'

const alice: EventPrincipal = { id: 10, uri: 'sip:alice@fourthcoffee.com', name: 'Alice', internal: true }
const noRosters: FoldOptions['rosterOf'] = async () => ({ atStart: [], atEnd: [] })

function chat(roomUri: string, seq: number, name = roomUri): ComplianceEvent {
  const room = { uri: roomUri, name, seq }
  const common = { v: 1 as const, source: 'chat-1', epoch: 1, seq, at: 1_000 + seq, room, principal: alice }
  return { ...common, kind: 'chat', chatId: seq, content: `chat ${seq}` }
}

async function* from<T>(...items: T[]): AsyncGenerator<T> {
  yield* items
}

async function fold(events: ComplianceEvent[], options: Partial<FoldOptions> = {}): Promise<RoomSlice[]> {
  const slices: RoomSlice[] = []
  const folded = foldConversations(from(...events), { sliceEventsMax: 100, rosterOf: noRosters, ...options })
  for await (const slice of folded) slices.push(slice)
  return slices
}

const shape = (slices: RoomSlice[]) =>
  slices.map((s) => `${s.room.uri}#${s.slice}${s.last ? '.' : '…'} ${s.events.map((e) => e.room.seq).join(',')}`)

describe('folding', () => {
  it('makes one conversation per room', async () => {
    expect(shape(await fold([chat('a', 1), chat('a', 2), chat('b', 7)]))).toEqual(['a#1. 1,2', 'b#1. 7'])
  })

  it('makes no conversation without events', async () => {
    expect(await fold([])).toEqual([])
  })

  it('splits a long conversation and marks the last piece', async () => {
    const events = [1, 2, 3, 4, 5].map((seq) => chat('a', seq))
    expect(shape(await fold(events, { sliceEventsMax: 2 }))).toEqual(['a#1… 1,2', 'a#2… 3,4', 'a#3. 5'])
  })

  it('does not add an empty last piece', async () => {
    const events = [1, 2, 3, 4].map((seq) => chat('a', seq))
    expect(shape(await fold(events, { sliceEventsMax: 2 }))).toEqual(['a#1… 1,2', 'a#2. 3,4'])
  })

  it('keeps the room’s name at the start of the conversation', async () => {
    const slices = await fold([chat('a', 1, 'desk'), chat('a', 2, 'new desk')], { sliceEventsMax: 1 })
    expect(slices.map((s) => s.room.name)).toEqual(['desk', 'desk'])
  })

  it('gives each conversation the rosters of its room, read once', async () => {
    const asked: string[] = []
    const rosterOf = async (uri: string) => {
      asked.push(uri)
      return { atStart: [{ session: `s-${uri}`, principal: alice, joinedAt: 1 }], atEnd: [] }
    }
    const slices = await fold([chat('a', 1), chat('a', 2), chat('b', 1)], { sliceEventsMax: 1, rosterOf })
    expect(asked).toEqual(['a', 'b'])
    expect(slices.map((s) => s.rosterAtStart[0]?.session)).toEqual(['s-a', 's-a', 's-b'])
  })

  it('includes rooms with participants and no events, in order', async () => {
    const silent = ['a', 'c', 'e'].map((uri) => ({ uri, name: uri }))
    const slices = await fold([chat('b', 1), chat('d', 1)], { roomsWithRosterOnly: from(...silent) })
    expect(shape(slices)).toEqual(['a#1. ', 'b#1. 1', 'c#1. ', 'd#1. 1', 'e#1. '])
  })

  it('includes a room once when it is on both lists', async () => {
    const slices = await fold([chat('b', 1)], { roomsWithRosterOnly: from({ uri: 'b', name: 'b' }) })
    expect(shape(slices)).toEqual(['b#1. 1'])
  })

  it('accepts two events with one number, which a restored pool database may produce', async () => {
    expect(shape(await fold([chat('a', 3), chat('a', 3)]))).toEqual(['a#1. 3,3'])
  })

  it('refuses events that are out of order', async () => {
    await expect(fold([chat('a', 2), chat('a', 1)])).rejects.toThrow('must be sorted')
    await expect(fold([chat('b', 1), chat('a', 1)])).rejects.toThrow('must be sorted')
  })

  it('refuses silent rooms that are out of order or repeated', async () => {
    const silent = (...uris: string[]) => from(...uris.map((uri) => ({ uri, name: uri })))
    await expect(fold([], { roomsWithRosterOnly: silent('b', 'a') })).rejects.toThrow('a came after b')
    await expect(fold([], { roomsWithRosterOnly: silent('a', 'a') })).rejects.toThrow('a came after a')
    await expect(fold([chat('c', 1)], { roomsWithRosterOnly: silent('b', 'a') })).rejects.toThrow('must be sorted')
  })

  it('gives a silent room its name and its rosters, in one whole slice', async () => {
    const entry = { session: 's', principal: alice, joinedAt: 1 }
    const rosterOf = async () => ({ atStart: [entry], atEnd: [entry, entry] })
    const rooms = from({ uri: 'a', name: 'desk' })
    const room = { uri: 'a', name: 'desk' }
    expect(await fold([], { roomsWithRosterOnly: rooms, rosterOf })).toEqual([
      { room, events: [], slice: 1, last: true, rosterAtStart: [entry], rosterAtEnd: [entry, entry] },
    ])
  })

  it.each([0, -1, Number.NaN])('refuses slices of %s events', async (sliceEventsMax) => {
    await expect(fold([chat('a', 1)], { sliceEventsMax })).rejects.toThrow('A slice holds at least one event')
  })

  it('fills a slice up to its limit and not beyond, and gives an event that is larger one of its own', async () => {
    const weighing = (seq: number, weight: number) => ({ ...chat('a', seq), content: 'x'.repeat(1_000 * (weight - 1)) })
    const events = [weighing(1, 2), weighing(2, 1), weighing(3, 1), weighing(4, 9), weighing(5, 3)]
    expect(shape(await fold(events, { sliceEventsMax: 3 }))).toEqual(['a#1… 1,2', 'a#2… 3', 'a#3… 4', 'a#4. 5'])
  })

  it('holds one slice at a time, however long the interval', async () => {
    let given = 0
    const endless = async function* () {
      for (let seq = 1; ; seq++) {
        given = seq
        yield chat('a', seq)
      }
    }
    const slices = foldConversations(endless(), { sliceEventsMax: 10, rosterOf: noRosters })
    await slices.next()
    await slices.next()
    expect(given).toBe(21)
    await slices.return(undefined)
  })
})

it('counts the title of a story, and every entry of a changed list, by size', () => {
  const event = chat('a', 1)
  if (event.kind !== 'chat') throw new Error('not a chat')
  const { kind: _, chatId: __, content: ___, ...common } = event
  const subject = { type: 'room', uri: 'ma-chan://a/1', name: 'a' } as const
  const change = { ...common, kind: 'change', action: 'changed', subject, before: {}, after: {} } as const
  const people = Array.from({ length: 1_000 }, (_, n) => `sip:person${1_000 + n}@litwareinc.com`)

  expect(eventWeight({ ...event, title: 'x'.repeat(2_000) })).toBe(3)
  expect(eventWeight(change)).toBe(1)
  const words = { chatId: 1, replaced: 'x'.repeat(600), replacedTitle: 'y'.repeat(400) }
  const purged = { ...common, kind: 'chat-purged' as const, ...words }
  expect(eventWeight(purged)).toBe(2)
  expect(eventWeight({ ...purged, kind: 'chat-replaced', content: 'x'.repeat(500), title: 'y'.repeat(500) })).toBe(3)
  expect(eventWeight({ ...change, before: { topic: 'x'.repeat(1_000) }, after: { topic: 'y'.repeat(1_000) } })).toBe(3)
  expect(eventWeight({ ...change, after: { members: people } })).toBe(1 + 'members'.length + people[0]!.length)
})

it('counts one for an event, and one more from the thousandth character of whatever it says', () => {
  const { content: _, chatId: __, kind: ___, ...common } = chat('a', 1) as Extract<ComplianceEvent, { kind: 'chat' }>
  const of = (detail: object) => eventWeight({ ...common, ...detail } as ComplianceEvent)
  const file = { storedName: 'x'.repeat(5_000), size: 1, sha256: '' }
  const weights = [999, 1_000, 1_999, 2_000].map((length) => {
    const text = 'x'.repeat(length)
    return [
      of({ kind: 'chat', chatId: 1, content: text }),
      of({ kind: 'backchat', firstChatId: 1, lastChatId: 2, query: text }),
      of({ kind: 'file-upload', ...file, fileName: text }),
      of({ kind: 'file-download', ...file, fileName: '', givenName: text }),
      of({ kind: 'change', action: 'changed', subject: { type: 'room', uri: '', name: text }, before: {}, after: {} }),
      of({ kind: 'change', action: 'changed', subject: { type: 'room', uri: text, name: '' }, before: {}, after: {} }),
    ]
  })
  expect(weights).toEqual([1, 2, 2, 3].map((weight) => Array.from({ length: 6 }, () => weight)))
  expect(of({ kind: 'backchat', firstChatId: 1, lastChatId: 2 })).toBe(1)
  expect(of({ kind: 'join', session: 'x'.repeat(5_000) })).toBe(1)
  expect(of({ kind: 'part', session: 'x'.repeat(5_000), reason: 'left' })).toBe(1)
})

it('counts a long text as several events, so that files stay bounded', async () => {
  const long = 'x'.repeat(2_500)
  const chats = Array.from({ length: 5 }, (_, n) => ({
    v: 1 as const,
    kind: 'chat' as const,
    source: 's',
    epoch: 1,
    seq: n + 1,
    at: n,
    room: { uri: 'ma-chan://a/1', name: 'a', seq: n + 1 },
    principal: { id: 1, uri: 'sip:a@a', name: 'a', internal: true },
    chatId: n + 1,
    content: n === 0 ? 'short' : long,
  }))
  async function* events() {
    yield* chats
  }
  const rosterOf = async () => ({ atStart: [], atEnd: [] })
  const sizes: number[] = []
  for await (const slice of foldConversations(events(), { sliceEventsMax: 7, rosterOf }))
    sizes.push(slice.events.length)
  // 1 + 3 + 3, then 3 + 3.
  expect(sizes).toEqual([3, 2])
})
