import { expect, it } from 'vitest'
import { followStays, type Stay } from './departures.ts'

const ROOM = 7
const BOB = { roomId: ROOM, principalId: 1 }
const stay = (session: string, since: number, present = false): Stay => ({ ...BOB, session, since, present })
const follow = (stays: readonly Stay[], oldest = 1) => followStays({ stays, held: new Map([[ROOM, oldest]]) })

it('catches up from the later of the last chat received and the start of the stay', () => {
  expect(follow([stay('a', 5)]).comeBack(BOB, { after: 8, last: 10 })).toBe(8)
  expect(follow([stay('a', 5)]).comeBack(BOB, { after: 0, last: 10 })).toBe(5)
  expect(follow([]).comeBack(BOB, { after: 0, last: 10 })).toBe(10)
  expect(follow([stay('a', 5)]).comeBack({ ...BOB, principalId: 2 }, { after: 0, last: 10 })).toBe(10)
  expect(follow([stay('a', 5)]).comeBack({ ...BOB, roomId: 8 }, { after: 0, last: 10 })).toBe(10)
})

it('omits chats whose text is not kept any more, and all of them when none is', () => {
  expect(follow([stay('a', 0)], 4).comeBack(BOB, { after: 1, last: 10 })).toBe(3)
  expect(followStays({ stays: [stay('a', 0)], held: new Map() }).comeBack(BOB, { after: 1, last: 10 })).toBe(10)
  const inThisBatch = followStays({ stays: [stay('a', 0)], held: new Map() })
  inThisBatch.said(ROOM, 9)
  inThisBatch.said(ROOM, 10)
  expect(inThisBatch.comeBack(BOB, { after: 1, last: 10 })).toBe(8)
})

it('consumes one departure per return, the best match, and leaves present stays', () => {
  const stays = follow([stay('laptop', 5), stay('phone', 3), stay('asleep', 5, true)])
  expect(stays.comeBack(BOB, { after: 6, last: 10 })).toBe(6)
  expect(stays.comeBack(BOB, { after: 4, last: 10 })).toBe(4)
  expect(stays.comeBack(BOB, { after: 4, last: 10 })).toBe(5)
  expect(stays.result()).toMatchObject({ departed: [], returned: [{ session: 'laptop' }, { session: 'phone' }] })
})

it('stores accidental departures, and not chosen or forced ones', () => {
  const stays = follow([stay('e', 2, true)])
  const reasons = { a: 'disconnected', b: 'orphaned', c: 'stopped', d: 'left', e: 'removed' } as const
  for (const [session, reason] of Object.entries(reasons)) stays.part({ ...BOB, session, since: 2 }, reason)
  stays.part({ ...BOB, session: 'keeps history', since: null }, 'disconnected')

  expect(stays.result().departed.map(({ session }) => session)).toEqual(['a', 'b', 'c'])
  for (const _ of 'abc') expect(stays.comeBack(BOB, { after: 2, last: 10 })).toBe(2)
  expect(stays.comeBack(BOB, { after: 2, last: 10 })).toBe(10)
  expect(stays.result().departed).toEqual([])
})

it('keeps the latest departure of a session that returned and departed again in one batch', () => {
  const stays = follow([stay('a', 2)])
  expect(stays.comeBack(BOB, { after: 4, last: 10 })).toBe(4)
  stays.part({ ...BOB, session: 'a', since: 4 }, 'disconnected')
  expect(stays.result()).toEqual({ departed: [stay('a', 4)], returned: [] })
})
