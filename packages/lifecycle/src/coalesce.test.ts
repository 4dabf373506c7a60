import { expect, it } from 'vitest'
import { coalesce } from './coalesce.ts'

it('lets all callers during a read share one read that begins after their calls', async () => {
  let version = 1
  const begun: number[] = []
  const gates: (() => void)[] = []
  const read = coalesce(async () => {
    begun.push(version)
    await new Promise<void>((resolve) => gates.push(resolve))
  })

  const first = read()
  version = 2
  const others = [read(), read(), read()]
  gates.shift()!()
  await first
  await expect.poll(() => gates.length).toBe(1)
  gates.shift()!()
  await Promise.all(others)

  expect(begun).toEqual([1, 2])
})

it('reads again for the waiting callers when the previous read fails', async () => {
  let readings = 0
  const read = coalesce(async () => {
    readings += 1
    if (readings === 1) throw new Error('away')
  })

  const [first, second] = await Promise.allSettled([read(), read()])

  expect([first!.status, second!.status]).toEqual(['rejected', 'fulfilled'])
})
