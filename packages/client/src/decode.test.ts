import { briefChatFrame, chatFrame } from '@hansard/wire'
import fc from 'fast-check'
import { expect, it } from 'vitest'
import { decodeFrame } from './decode.ts'

const chat = { room: 'ma-chan://example.com/1', chat: 3, at: 5, from: { uri: 'sip:a@b', name: 'A' }, text: 'hi' }

it('reads a chat as the pool writes it, whatever its text', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      expect(decodeFrame(chatFrame({ ...chat, text }))).toEqual({ t: 'chat', ...chat, text })
      const story = { ...chat, text, title: text, alert: true }
      expect(decodeFrame(chatFrame(story))).toEqual({ t: 'chat', ...story })
      const { room: _, from, ...said } = story
      const brief = { t: 'c', r: 7, ...said, from: from.uri, name: from.name }
      expect(decodeFrame(briefChatFrame(chatFrame(story), 7))).toEqual(brief)
    }),
  )
})

it('accepts only messages of the protocol', () => {
  for (const text of [
    '',
    '{',
    'null',
    '[]',
    '7',
    '{}',
    '{"t":"chat"}',
    '{"t":"posted","re":1,"chat":"1","at":2}',
    '{"t":"later"}',
  ])
    expect(decodeFrame(text), text).toBeUndefined()
  for (const broken of [
    { chat: -1 },
    { chat: 1.5 },
    { from: null },
    { from: { uri: 'x' } },
    { text: 7 },
    { room: 1 },
    { title: 1 },
    { alert: 'yes' },
  ])
    expect(decodeFrame(JSON.stringify({ t: 'chat', ...chat, ...broken })), JSON.stringify(broken)).toBeUndefined()
  const brief = { t: 'c', r: 7, chat: 3, at: 5, from: 'sip:a@b', name: 'A', text: 'hi' }
  for (const broken of [
    { r: -1 },
    { r: 'x' },
    { from: null },
    { name: 1 },
    { text: 7 },
    { chat: 1.5 },
    { alert: 'yes' },
  ])
    expect(decodeFrame(JSON.stringify({ ...brief, ...broken })), JSON.stringify(broken)).toBeUndefined()
})

it('accepts a message with unknown additional fields', () => {
  expect(decodeFrame('{"t":"pong","re":1,"new":true}')).toEqual({ t: 'pong', re: 1 })
})
