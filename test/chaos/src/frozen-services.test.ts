import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openAdmin, type ServiceProcess, seeded, startEnterprisePool } from '@hansard/test-pool'
import { expect, it } from 'vitest'
import { breaches } from './checks.ts'
import { startTalkers } from './talkers.ts'
import { startWallLife } from './wall-life.ts'

const PROGRESS_MS = 120_000
const DEAD_AFTER_SECONDS = 10

/**
 * A frozen process keeps its connections and its locks. The leases and the silence after which a source is declared
 * dead are as short as they may be, so that the freezes outlast them without taking minutes.
 */
it('goes on within seconds while services are frozen in the middle of their work, and when they wake', async () => {
  const outputDirectory = await mkdtemp(join(tmpdir(), 'hansard-frozen-'))
  await using pool = await startEnterprisePool({
    channelServices: 2,
    relays: 2,
    workers: 2,
    outputDirectory,
    env: {
      HANSARD_CHANNEL_DECLARE_DEAD_AFTER_SECONDS: String(DEAD_AFTER_SECONDS),
      HANSARD_RELAY_LEASE_SECONDS: '3',
      HANSARD_WORKER_LEASE_MS: '2000',
    },
  })
  const seed = 1
  const everybody = { server: () => pool.server, admin: await openAdmin(pool.server), seed }
  const { admin } = everybody
  const talkers = await startTalkers(everybody)
  const wall = await startWallLife(everybody)

  const freeze = async (victims: readonly ServiceProcess[], meanwhile: () => Promise<unknown>) => {
    for (const victim of victims) victim.pause()
    await talkers.progress(2, PROGRESS_MS)
    await meanwhile()
    for (const victim of victims) victim.resume()
  }
  /** Frozen sources were declared dead: their processes end, and start again. */
  const startAgain = async (victims: readonly ServiceProcess[]) => {
    for (const victim of victims) {
      await expect.poll(() => victim.running, { timeout: PROGRESS_MS }).toBe(false)
      await victim.start()
    }
  }

  const first = [pool.channels[0]!, pool.files, pool.relays[0]!, pool.workers[0]!]
  await freeze(first, () => admin.request('seal', {}, PROGRESS_MS))
  await startAgain([pool.channels[0]!, pool.files])
  const second = [pool.channels[1]!, pool.relays[1]!, pool.workers[1]!]
  await freeze(second, () => admin.request('seal', {}, PROGRESS_MS))
  await startAgain([pool.channels[1]!])
  await freeze([pool.admin, pool.lookup], () => talkers.progress(2, PROGRESS_MS))

  await talkers.hush(PROGRESS_MS)
  await wall.hush()
  await admin.request('seal')
  const found = await breaches({
    ...pool,
    exports: outputDirectory,
    log: [...talkers.log, ...wall.log],
    walled: wall.room,
    misdelivered: talkers.misdelivered,
    admin,
    random: seeded(seed),
  })
  await talkers.close()
  await wall.close()
  await rm(outputDirectory, { recursive: true, force: true })
  expect(found).toEqual([])
})
