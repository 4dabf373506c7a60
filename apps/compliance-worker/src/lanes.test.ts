import type { Lease } from '@hansard/sql'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { createLanes } from './lanes.ts'

const lease = { name: 'exporter', holder: 'w1', token: 1 } as unknown as Lease

let wakes = 0
let lanes: ReturnType<typeof createLanes>
beforeEach(() => {
  wakes = 0
  lanes = createLanes({
    onProgress() {
      wakes += 1
    },
  })
})
afterEach(() => lanes.close())

/** Work that has begun and ends under the test's control. */
function heldWork() {
  const begun = Promise.withResolvers<void>()
  const end = Promise.withResolvers<'progress' | 'nothing'>()
  const work = () => {
    begun.resolve()
    return end.promise
  }
  return { work, begun: begun.promise, end: end.resolve }
}

it('works again when it was asked while busy: the first work may have looked too early', async () => {
  const held = heldWork()
  lanes.run({ name: 'xml', lease, subject: 'a', work: held.work })
  await held.begun
  let worked = 0
  const work = async () => {
    worked += 1
    return 'progress' as const
  }
  for (const _ of [1, 2, 3]) lanes.run({ name: 'xml', lease, subject: 'a', work })

  held.end('nothing')

  expect(await lanes.settled()).toBe('progress')
  expect([worked, wakes]).toEqual([1, 1])
  expect(await lanes.settled()).toBe('nothing')
})

it('says that work is left when its subject changed while it was busy', async () => {
  const held = heldWork()
  lanes.run({ name: 'xml', lease, subject: 'a', work: held.work })
  await held.begun
  lanes.run({ name: 'xml', lease, subject: 'b', work: async () => 'nothing' })

  held.end('nothing')

  expect(await lanes.settled()).toBe('progress')
  expect(wakes).toBe(1)
})

it('neither works again nor wakes anybody when nothing was asked', async () => {
  const held = heldWork()
  lanes.run({ name: 'xml', lease, subject: 'a', work: held.work })

  held.end('nothing')

  expect(await lanes.settled()).toBe('nothing')
  expect(wakes).toBe(0)
})

it('does not work again once it is closed', async () => {
  const held = heldWork()
  lanes.run({ name: 'xml', lease, subject: 'a', work: held.work })
  await held.begun
  let worked = 0
  const work = async () => {
    worked += 1
    return 'nothing' as const
  }
  lanes.run({ name: 'xml', lease, subject: 'a', work })

  const closed = lanes.close()
  held.end('nothing')
  await closed

  expect([worked, wakes]).toEqual([0, 0])
})
