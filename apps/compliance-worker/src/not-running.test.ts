import { execFileSync } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { complianceSqlite } from '@hansard/staging/testing'
import { expect, it } from 'vitest'
import { MINUTE, manifests, openBench, T0 } from './worker-in-test.ts'

const VERIFIER = fileURLToPath(new URL('../../../docs/verify.py', import.meta.url))
const iso = (ms: number) => new Date(T0 + ms).toISOString()

it('intervals in which no service lived say so, in every series, and an adopted one too', async () => {
  await using bench = await openBench()
  const worker = await bench.worker()
  const first = bench.pool.source('chat-1', { startedAt: T0 })
  first.says('desk', 'alice', 'the last words', T0 + 20_000)
  await bench.deliver(T0 + 30_000, [first])
  // Killed. Started again two and a half intervals later, it ends its predecessor.
  first.ends('fenced')
  const second = bench.pool.source('chat-1', { epoch: 2, startedAt: T0 + 3 * MINUTE + 15_000 })
  second.says('desk', 'alice', 'back again', T0 + 3 * MINUTE + 20_000)
  await bench.deliver(T0 + 4 * MINUTE, [second])
  await worker.drain()

  const lastSigns = [{ source: 'chat-1', epoch: 1, incarnation: '', at: iso(30_000) }]
  for (const series of ['xml', 'record'])
    expect((await manifests(bench, series)).map(({ notRunning }) => notRunning)).toEqual([
      [{ from: iso(30_000), to: iso(MINUTE), lastSigns }],
      [{ from: iso(MINUTE), to: iso(2 * MINUTE), lastSigns }],
      [{ from: iso(2 * MINUTE), to: iso(3 * MINUTE), lastSigns }],
      [{ from: iso(3 * MINUTE), to: iso(3 * MINUTE + 15_000), lastSigns }],
    ])
  expect(execFileSync('python3', [VERIFIER, bench.directory], { encoding: 'utf8' })).toContain(
    `NOT RUNNING from ${iso(30_000)} to ${iso(3 * MINUTE + 15_000)}; last signs of life: chat-1/1 at ${iso(30_000)}`,
  )

  // The compliance database is lost: what the sealed manifest says is what a later series says too.
  await worker.stop()
  const before = await bench.files()
  await rm(`${bench.directory}/record`, { recursive: true })
  await using again = await openBench({ db: await complianceSqlite(), directory: bench.directory, at: T0 + 5 * MINUTE })
  const next = await again.worker()
  const third = again.pool.source('chat-1', { epoch: 3, startedAt: T0 + 5 * MINUTE })
  await again.deliver(T0 + 5 * MINUTE, [third])
  await next.drain()
  await again.deliver(T0 + 5 * MINUTE + 1_000, [third])
  await next.drain()
  expect([...(await again.files())].slice(0, before.size)).toEqual([...before])
  const [adopted] = await manifests(again, 'record')
  expect(adopted!.notRunning).toEqual([{ from: iso(30_000), to: iso(MINUTE), lastSigns }])
})
