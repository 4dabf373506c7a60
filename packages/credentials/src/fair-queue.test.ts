import { expect, it } from 'vitest'
import { createFairQueue } from './fair-queue.ts'

function queueOf(max: number) {
  const queue = createFairQueue(max)
  const [served, refused]: [string[], string[]] = [[], []]
  const add = (from: string, name: string) =>
    queue.add(from, { go: () => void served.push(name), refuse: () => void refused.push(name) })
  const serve = () => {
    for (let next = queue.take(); next; next = queue.take()) next.go()
    return served
  }
  return { add, serve, refused }
}

it('serves senders in rotation, each in its own order', () => {
  const { add, serve } = queueOf(10)
  for (const name of ['flood 1', 'flood 2', 'flood 3']) add('flood', name)
  add('alice', 'alice 1')

  expect(serve()).toEqual(['flood 1', 'alice 1', 'flood 2', 'flood 3'])
})

it('has room for another sender when one has filled it, and is bounded', () => {
  const { add, serve, refused } = queueOf(4)
  for (let n = 1; n <= 6; n += 1) add('flood', `flood ${n}`)
  add('alice', 'alice 1')
  add('alice', 'alice 2')
  add('alice', 'alice 3')

  expect(refused).toEqual(['flood 5', 'flood 6', 'flood 4', 'flood 3', 'alice 3'])
  expect(serve()).toEqual(['flood 1', 'alice 1', 'flood 2', 'alice 2'])
})
