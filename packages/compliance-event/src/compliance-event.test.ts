import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { eventIdOf, InvalidEvent } from './encoding.ts'
import { CHANGE_SUBJECTS } from './event.ts'
import { type ComplianceEvent, decodeEvent, type EventOf, encodeEvent, genesisHead, leafOf, nextHead } from './index.ts'

const chat: ComplianceEvent = {
  ...{ v: 1, source: 'channel-1', epoch: 2, seq: 3, at: 1_700_000_000_000, kind: 'chat', chatId: 9, content: 'hello' },
  room: { uri: 'ma-chan://example.com/1', name: 'desk', seq: 4 },
  principal: { id: 5, uri: 'sip:alice@example.com', name: 'Alice', internal: true },
}

const change: EventOf<'change'> = {
  ...{ v: 1, source: 'channel-1', epoch: 2, seq: 4, at: 1_700_000_000_001, kind: 'change', action: 'changed' },
  room: { uri: 'ma-chan://example.com/1', name: 'desk', seq: 5 },
  principal: { id: 5, uri: 'sip:alice@example.com', name: 'Alice', internal: true },
  subject: { type: 'room', uri: 'ma-chan://example.com/1', name: 'desk' },
  before: { privacy: 'open', members: ['sip:bob@example.com'] },
  after: { privacy: 'closed', members: [] },
}

describe('the text of an event', () => {
  it('parses back to the same event, whatever the text', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (content) => {
        expect(decodeEvent(encodeEvent({ ...chat, content }))).toEqual({ ...chat, content })
      }),
    )
  })

  it('contains neither U+0000 nor lone surrogates, so that every database can store it', () => {
    const text = encodeEvent({ ...chat, content: '\u0000 \ud800 \udfff x' })

    expect(text).not.toContain('\u0000')
    expect(text.isWellFormed()).toBe(true)
    expect((decodeEvent(text) as { content: string }).content).toBe('\u0000 \ud800 \udfff x')
  })

  it.each([
    ['no JSON', 'hello'],
    ['another version', JSON.stringify({ ...chat, v: 2 })],
    ['a kind nobody knows', JSON.stringify({ ...chat, kind: 'wave' })],
    ['a number that is missing', JSON.stringify({ ...chat, seq: undefined })],
    ['a number before the first', JSON.stringify({ ...chat, seq: 0 })],
    ['a member too many', JSON.stringify({ ...chat, colour: 'red' })],
    ['a room without a name', JSON.stringify({ ...chat, room: { uri: 'x', seq: 1 } })],
  ])('is refused with a reason when it is %s', (_, text) => {
    expect(() => decodeEvent(text)).toThrow(InvalidEvent)
  })

  it('marks an alert and a story, and adds nothing to an ordinary chat', () => {
    const story = { ...chat, alert: true as const, title: 'Frost\u0000' }
    expect(decodeEvent(encodeEvent(story))).toEqual(story)
    expect(encodeEvent(chat)).not.toMatch(/alert|title/)
    expect(() => decodeEvent(JSON.stringify({ ...chat, alert: false }))).toThrow(InvalidEvent)
    expect(() => decodeEvent(JSON.stringify({ ...chat, title: null }))).toThrow(InvalidEvent)
  })

  it('of a replaced or purged chat names the author of the old text, and is valid without it in older events', () => {
    const { kind: _, content: __, ...told } = chat as EventOf<'chat'>
    const purged = { ...told, kind: 'chat-purged' as const, replaced: 'hello' }
    const author = { ...chat.principal, id: 6, uri: 'sip:bob@example.com' }
    const words = { author, postedAt: 1, replacedTitle: 'Frost', replacedBefore: true as const, alert: true as const }
    for (const event of [purged, { ...purged, ...words }]) {
      expect(decodeEvent(encodeEvent(event))).toEqual(event)
      const replaced = { ...event, kind: 'chat-replaced' as const, content: 'hi', title: 'Rain' }
      expect(decodeEvent(encodeEvent(replaced))).toEqual(replaced)
    }
    for (const wrong of [{ title: 'Rain' }, { author: 'bob' }, { postedAt: -1 }, { replacedBefore: false }])
      expect(() => decodeEvent(JSON.stringify({ ...purged, ...wrong }))).toThrow(InvalidEvent)
  })

  it('of a change parses back to the same event, whatever its properties', () => {
    const value = fc.oneof(
      ...[fc.string({ unit: 'binary' }), fc.integer(), fc.boolean(), fc.constant(null)],
      fc.array(fc.string({ unit: 'binary' })),
    )
    const properties = fc.dictionary(
      fc.string({ unit: 'binary' }).filter((name) => name !== '__proto__'),
      value,
      { noNullPrototype: true },
    )
    fc.assert(
      fc.property(properties, properties, fc.constantFrom(...CHANGE_SUBJECTS), (before, after, type) => {
        const event = { ...change, subject: { ...change.subject, type }, before, after }
        expect(decodeEvent(encodeEvent(event))).toEqual(event)
      }),
    )
  })

  it.each([
    ['an action nobody knows', { action: 'wished' }],
    ['a subject nobody knows', { subject: { ...change.subject, type: 'weather' } }],
    ['a subject without a name', { subject: { type: 'room', uri: 'x' } }],
    ['a value that is an object', { after: { topic: { text: 'x' } } }],
    ['a list of numbers', { after: { members: [1] } }],
    ['no before', { before: undefined }],
  ])('of a change is refused when it has %s', (_, members) => {
    expect(() => decodeEvent(JSON.stringify({ ...change, ...members }))).toThrow(InvalidEvent)
  })

  it('has a name', () => {
    expect(eventIdOf(chat)).toBe('channel-1/2/3')
  })
})

describe('the hash chain', () => {
  it('equals the result of sha256sum', () => {
    const sha256sum = (text: string) => execFileSync('sha256sum', { input: text }).toString().slice(0, 64)
    const body = encodeEvent({ ...chat, content: 'žluťoučký kůň 🐎' })
    const genesis = sha256sum('hansard-chain-1\nchannel-1\n2')

    expect(genesisHead('channel-1', 2)).toBe(genesis)
    const incarnation = '0123456789abcdef0123456789abcdef'
    expect(genesisHead('channel-1', 2, incarnation)).toBe(sha256sum(`hansard-chain-2\nchannel-1\n2\n${incarnation}`))
    expect(leafOf(body)).toBe(sha256sum(body))
    expect(nextHead(genesis, leafOf(body))).toBe(sha256sum(`${genesis}\n${sha256sum(body)}`))
  })

  it('has a different head when any event was altered, omitted, added or moved', () => {
    const leaves = ['a', 'b', 'c', 'd'].map(leafOf)
    const headOf = (chain: string[]) => chain.reduce(nextHead, genesisHead('channel-1', 1))
    const [a, b, c, d] = leaves as [string, string, string, string]

    const ends = [leaves, [a, b, leafOf('x'), d], [a, b, d], [a, b, c, c, d], [b, a, c, d], [a, b, c]].map(headOf)

    expect(new Set(ends).size).toBe(ends.length)
    expect(genesisHead('channel-1', 1)).not.toBe(genesisHead('channel-1', 2))
  })
})
