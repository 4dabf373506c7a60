import fc from 'fast-check'
import { expect, it } from 'vitest'
import { beforeTime, decodeCursor, encodeCursor, inOrder } from './order.ts'

const order = fc.constantFrom('newest' as const, 'oldest' as const)
const id = fc.integer({ min: 1, max: 0x7fffffff })
const position = fc.record({ postedAt: fc.integer({ min: -5, max: 5 }), roomId: id, chatId: id })

it('the place before a time parts the chats of that time and after it from those that come first', () => {
  fc.assert(
    fc.property(order, position, fc.integer({ min: -5, max: 5 }), (order, chat, time) => {
      const comesFirst = order === 'newest' ? chat.postedAt > time : chat.postedAt < time
      expect(inOrder(order)(chat, beforeTime(order, time)) < 0).toBe(comesFirst)
    }),
  )
})

it('a cursor is read back as the place it was made of', () => {
  fc.assert(
    fc.property(position, (chat) => {
      expect(decodeCursor(encodeCursor(chat))).toEqual(chat)
    }),
  )
})
