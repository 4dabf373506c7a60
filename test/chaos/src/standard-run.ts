import { systemClock } from '@hansard/clock'
import { openAdmin, seeded, startStandardPool } from '@hansard/test-pool'
import { breaches } from './checks.ts'
import type { ChaosResult } from './enterprise-run.ts'
import { startTalkers } from './talkers.ts'
import { startWallLife } from './wall-life.ts'

const PROGRESS_MS = 60_000
const CHECK_EVERY = 5

/** A Standard Edition pool that is killed repeatedly under load, and restarted on its directory. */
export async function standardRun(options: {
  seed: number
  rounds: number
  report: (line: string) => void
}): Promise<ChaosResult> {
  const { seed, rounds, report } = options
  const random = seeded(seed)
  await using pool = await startStandardPool()
  const everybody = { server: () => pool.server, admin: await openAdmin(pool.server), seed }
  const talkers = await startTalkers(everybody)
  const wall = await startWallLife(everybody)
  let found: string[] = []
  let round = 0
  for (round = 1; round <= rounds && found.length === 0; round += 1) {
    const politely = random.chance(0.2)
    report(`round ${round}/${rounds}: ${politely ? 'stop' : 'kill'} the pool`)
    try {
      await (politely ? pool.process.stop() : pool.process.kill())
      await systemClock.sleep(random.below(300))
      await pool.restart()
      await talkers.progress(2, PROGRESS_MS)
      if (round % CHECK_EVERY === 0 || round === rounds) {
        await talkers.hush(PROGRESS_MS)
        await wall.hush()
        const admin = await openAdmin(pool.server)
        await admin.request('seal')
        const databases = {
          poolDatabaseUrl: `sqlite:${pool.data}/pool.db`,
          complianceDatabaseUrl: `sqlite:${pool.data}/compliance.db`,
        }
        found = await breaches({
          ...databases,
          exports: pool.exports,
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
      found.push(`${error instanceof Error ? error.message : error}`)
    }
  }
  await talkers.close()
  await wall.close()
  const chats = talkers.log.filter((post) => post.chat !== undefined).length
  return { rounds: round - 1, chats, breaches: found }
}
