import fc from 'fast-check'
import { expect, it } from 'vitest'
import { createPostQueue, type Post } from './post-queue.ts'

const post = (n: number, room: string): Post<string> => ({
  n,
  room,
  name: `p${n}`,
  text: `text ${n}`,
  again: false,
  resolve: () => {},
  reject: () => {},
})

it('accepts no more than its limit, and reports the refusal', () => {
  const queue = createPostQueue<string>({ inFlightMax: 1, waitingMax: 2 })
  expect([1, 2, 3].map((n) => queue.add(post(n, 'a')))).toEqual([true, true, false])
  queue.take(1, () => true)
  expect(queue.add(post(4, 'a'))).toBe(true)
})

it('lets one room wait without delaying another', () => {
  const queue = createPostQueue<string>({ inFlightMax: 8, waitingMax: 8 })
  queue.add(post(1, 'paused'))
  queue.add(post(2, 'open'))
  expect(queue.take(1, (room) => room === 'open')?.n).toBe(2)
  expect(queue.take(2, (room) => room === 'open')).toBeUndefined()
})

it('returns everything of a room, in order, in flight or not', () => {
  const queue = createPostQueue<string>({ inFlightMax: 2, waitingMax: 8 })
  for (let n = 1; n <= 4; n += 1) queue.add(post(n, n === 3 ? 'b' : 'a'))
  queue.take(1, () => true)
  queue.take(2, () => true)
  expect(queue.remove('a').map(({ n }) => n)).toEqual([1, 2, 4])
  expect([queue.has('a'), queue.has('b')]).toEqual([false, true])
})

/** What a connection may do to a queue, in any order. */
const doing = fc.oneof(
  fc.record({ act: fc.constant('add' as const), room: fc.constantFrom('a', 'b', 'c') }),
  fc.record({ act: fc.constantFrom('take' as const, 'acknowledge' as const, 'putBack' as const, 'lose' as const) }),
)

it('loses nothing, repeats nothing and keeps the order of each room, whatever the connection does', () => {
  fc.assert(
    fc.property(fc.array(doing, { maxLength: 80 }), fc.integer({ min: 1, max: 5 }), (acts, inFlightMax) => {
      const queue = createPostQueue<string>({ inFlightMax, waitingMax: 20 })
      const added: number[] = []
      const acknowledged: number[] = []
      let underWay: number[] = []
      let id = 0
      for (const [index, action] of acts.entries()) {
        if (action.act === 'add' && queue.add(post(index + 1, action.room))) added.push(index + 1)
        if (action.act === 'take' && queue.take(id + 1, () => true)) underWay.push(++id)
        expect(underWay.length).toBeLessThanOrEqual(inFlightMax)
        if (action.act === 'acknowledge' && underWay.length > 0) acknowledged.push(queue.settle(underWay.shift()!)!.n)
        if (action.act === 'putBack' && underWay.length > 0) queue.putBack(underWay.pop()!)
        if (action.act === 'lose') {
          queue.putAllBack()
          underWay = []
        }
      }
      // A new connection that works: what is left goes out, each room in its order.
      queue.putAllBack()
      const sent: Post<string>[] = []
      for (let taken = queue.take(++id, () => true); taken; taken = queue.take(++id, () => true)) {
        sent.push(taken)
        queue.settle(id)
      }
      expect([...acknowledged, ...sent.map(({ n }) => n)].sort((a, b) => a - b)).toEqual(added)
      for (const room of ['a', 'b', 'c']) {
        const order = sent.filter((one) => one.room === room).map(({ n }) => n)
        expect(order).toEqual([...order].sort((a, b) => a - b))
      }
    }),
  )
})
