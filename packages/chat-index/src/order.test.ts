import fc from 'fast-check'
import { expect, it } from 'vitest'
import { beforeTime, decodeCursor, encodeCursor, inOrder } from './order.ts'

const order = fc.constantFrom('newest' as const, 'oldest' as const)
const id = fc.integer({ min: 1, max: 0x7fffffff })
const position = fc.record({ postedAt: fc.integer({ min: -5, max: 5 }), roomId: id, chatId: id })

it('the position before a time separates the chats from that time on from the earlier ones', () => {
  fc.assert(
    fc.property(order, position, fc.integer({ min: -5, max: 5 }), (order, chat, time) => {
      const comesFirst = order === 'newest' ? chat.postedAt > time : chat.postedAt < time
      expect(inOrder(order)(chat, beforeTime(order, time)) < 0).toBe(comesFirst)
    }),
  )
})

it('a cursor decodes to the position it was made from', () => {
  fc.assert(
    fc.property(position, (chat) => {
      expect(decodeCursor(encodeCursor(chat))).toEqual(chat)
    }),
  )
})
