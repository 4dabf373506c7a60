import { describe, expect, it } from 'vitest'
import { ClientMessage, chatFrame, REFUSALS, ServerMessage } from './index.ts'

describe('client messages', () => {
  it.each([
    { t: 'sign-in', id: 1, token: 'x' },
    { t: 'join', id: 2, room: 'ma-chan://x/1', after: 0 },
    { t: 'post', id: 3, room: 'r', post: 'p-1', text: '\u0000 any text\n' },
    { t: 'history', id: 4, room: 'r', before: 10, limit: 30 },
    { t: 'ping', id: 5 },
  ])('includes $t', (message) => {
    expect(ClientMessage.parse(message)).toEqual(message)
  })

  it.each([
    ['a word nobody knows', { t: 'shout', id: 1 }],
    ['no number', { t: 'ping' }],
    ['a number that is no number', { t: 'ping', id: '1' }],
    ['half a number', { t: 'ping', id: 0.5 }],
    ['a number beyond 2^53', { t: 'ping', id: 2 ** 60 }],
    ['a member too many', { t: 'ping', id: 1, admin: true }],
    ['an empty post', { t: 'post', id: 1, room: 'r', post: 'p', text: '' }],
    ['a post without a name', { t: 'post', id: 1, room: 'r', post: '', text: 'x' }],
    ['a post whose name has a space', { t: 'post', id: 1, room: 'r', post: 'a b', text: 'x' }],
    ['a room without a name', { t: 'join', id: 1, room: '' }],
    ['a room with far too long a name', { t: 'join', id: 1, room: 'x'.repeat(513) }],
    ['a page of nothing', { t: 'history', id: 1, room: 'r', limit: 0 }],
    ['a chat before the first', { t: 'join', id: 1, room: 'r', after: -1 }],
  ])('does not include %s', (_, message) => {
    expect(ClientMessage.safeParse(message).success).toBe(false)
  })
})

describe('server messages', () => {
  it('include the frame of a chat, as it is written to every member', () => {
    const chat = {
      room: 'r',
      chat: 7,
      at: 1_000,
      from: { uri: 'sip:a@x', name: 'A' },
      text: 'line\u2028 "quoted" \ud83d\udc0e',
    }

    expect(ServerMessage.parse(JSON.parse(chatFrame(chat)))).toEqual({ t: 'chat', ...chat })
  })

  it('names every refusal once', () => {
    expect(new Set(REFUSALS).size).toBe(REFUSALS.length)
    for (const code of REFUSALS) expect(ServerMessage.safeParse({ t: 'refused', code, message: '' }).success).toBe(true)
  })
})
