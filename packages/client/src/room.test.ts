import { expect, it } from 'vitest'
import { judgeChat } from './room.ts'

it('delivers the next chat, skips known ones, and detects a gap', () => {
  const room = { last: 7, holeAfter: undefined }
  expect([6, 7, 8, 9].map((id) => judgeChat(room, id))).toEqual(['duplicate', 'duplicate', 'deliver', 'hole'])
})

it('continues past a gap that remains after another request', () => {
  expect(judgeChat({ last: 7, holeAfter: 7 }, 9)).toBe('deliver')
  expect(judgeChat({ last: 9, holeAfter: 7 }, 11)).toBe('hole')
})
