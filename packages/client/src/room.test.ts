import { expect, it } from 'vitest'
import { judgeChat } from './room.ts'

it('delivers the next chat, leaves out what it has, and notices what is missing', () => {
  const room = { last: 7, holeAfter: undefined }
  expect([6, 7, 8, 9].map((id) => judgeChat(room, id))).toEqual(['duplicate', 'duplicate', 'deliver', 'hole'])
})

it('reads on over a hole that is still there after it has asked again', () => {
  expect(judgeChat({ last: 7, holeAfter: 7 }, 9)).toBe('deliver')
  expect(judgeChat({ last: 9, holeAfter: 7 }, 11)).toBe('hole')
})
