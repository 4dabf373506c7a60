import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Admin, openAdmin, seeded, startEnterprisePool } from '@hansard/test-pool'
import { breaches } from './checks.ts'
import { endure, FAULTS } from './faults.ts'
import { keepLogs } from './keep-logs.ts'
import { seal } from './seal.ts'
import { startTalkers } from './talkers.ts'
import { startWallLife } from './wall-life.ts'

export type ChaosResult = {
  readonly rounds: number
  readonly chats: number
  readonly breaches: readonly string[]
}

const PROGRESS_MS = 90_000
const CHECK_EVERY = 10
const FROZEN_MS_MAX = 15_000

/**
 * Continuous faults on an Enterprise Edition pool under load. A round is one seeded fault: it strikes while users
 * post and is repaired, and every user must recover. Every ten rounds the load pauses, everything is sealed, and the
 * laws are checked.
 */
export async function enterpriseRun(options: {
  seed: number
  rounds: number
  report: (line: string) => void
  /** the longest that a process is frozen, in milliseconds */
  frozenMsMax?: number
  /** only faults whose names contain this */
  only?: string | undefined
}): Promise<ChaosResult> {
  const { seed, rounds, report, frozenMsMax = FROZEN_MS_MAX, only = '' } = options
  const faults = FAULTS.filter(({ name }) => name.includes(only))
  const random = seeded(seed)
  const disk = mountSmallDisk()
  await using pool = await startEnterprisePool({
    channelServices: 2,
    relays: 2,
    workers: 2,
    outputDirectory: disk.path,
    clocks: true,
    secondHost: true,
    env: { HANSARD_CHANNEL_DECLARE_DEAD_AFTER_SECONDS: '0' },
  })
  try {
    const admin = await openAdmin(pool.server)
    const talkers = await startTalkers({ server: () => pool.server, admin, seed })
    const wall = await startWallLife({ server: () => pool.server, admin, seed })
    const during = { admin, progress: () => talkers.progress(1, PROGRESS_MS), frozenMsMax }
    let found: string[] = []
    let round = 0
    for (round = 1; round <= rounds && found.length === 0; round += 1) {
      const fault = random.pick(faults)
      report(`round ${round}/${rounds}: ${fault.name}`)
      try {
        // Half of the faults strike while an interval is being closed and exported.
        if (random.chance(0.5)) await askToSeal(admin)
        const heal = await fault.strike(pool, random, during)
        // A frozen admin API answers only once it runs again.
        const asked = random.chance(0.5) ? askToSeal(admin) : undefined
        await endure(random)
        await heal()
        await asked
        await talkers.progress(2, PROGRESS_MS)
        if (round % CHECK_EVERY === 0 || round === rounds) {
          await talkers.hush(PROGRESS_MS)
          await wall.hush()
          await seal(admin)
          found = await breaches({
            ...pool,
            exports: pool.outputDirectory,
            log: [...talkers.log, ...wall.log],
            walled: wall.room,
            misdelivered: talkers.misdelivered,
            admin,
            random,
          })
          report(
            `  sealed and checked after ${talkers.log.length} chats: ${found.length === 0 ? 'every law holds' : `${found.length} breaches`}`,
          )
          talkers.talk()
          wall.talk()
        }
      } catch (error) {
        found.push(`${fault.name}: ${error instanceof Error ? error.message : error}`)
      }
    }
    await talkers.close()
    await wall.close()
    const chats = talkers.log.filter((post) => post.chat !== undefined).length
    if (found.length > 0) {
      report(`logs are kept: ${keepLogs(pool.logs, seed)}`)
    }
    return { rounds: round - 1, chats, breaches: found }
  } finally {
    await pool.stop()
    disk.unmount()
  }
}

/** Requests without waiting: without PostgreSQL the request fails, which is part of the fault. */
async function askToSeal(admin: Admin): Promise<void> {
  await admin.ask('seal').catch(() => {})
}

/**
 * A disk that can be filled without filling the machine's: a small tmpfs where it may be mounted, otherwise a plain
 * folder.
 */
function mountSmallDisk(): { path: string; unmount(): void } {
  const path = mkdtempSync(join(tmpdir(), 'hansard-disk-'))
  let mounted = false
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=256m', 'tmpfs', path], { stdio: 'ignore' })
    mounted = true
  } catch {
    // Without the right to mount, filling the disk would fill the machine's: the fault then writes at most 512 MiB
    // and fills nothing.
  }
  return {
    path,
    unmount() {
      if (mounted) execFileSync('umount', ['-l', path], { stdio: 'ignore' })
      rmSync(path, { recursive: true, force: true })
    },
  }
}
