import { join } from 'node:path'
import { backoffMs } from '@hansard/backoff'
import type { Clock } from '@hansard/clock'
import { POOL_DIRECTORY } from '@hansard/evidence'
import type { Log } from '@hansard/log'
import type { SigningKeys } from '@hansard/signing'
import { assertLease, type Database, type Lease, LeaseLost } from '@hansard/sql'
import { newestSealedNumber, noteLacking, notePoolProblem, StagedRowMissing } from '@hansard/staging'
import type { ComplianceWorkerConfig } from './config.ts'
import { exportProblem } from './export-problem.ts'
import { sealPool } from './seal-pool.ts'
import { writeVerifier } from './verifier-in-package.ts'

const RETRY = { delayMs: 1_000, delayMaxMs: 60_000 }

/** Pool manifests beside the adapters' lanes: a directory that cannot be written holds up neither them nor closing. */
type PoolSealing = {
  /** Starts a run unless one is going on or a failed one is to be tried later. */
  run(lease: Lease, signal: AbortSignal): void
  settled(): Promise<'progress' | 'nothing'>
}

export function createPoolSealing({
  db,
  clock,
  log,
  config: { pool, outputDirectory },
  holder,
  keys,
  onProgress,
}: {
  db: Database
  clock: Clock
  log: Log
  config: ComplianceWorkerConfig
  holder: string
  keys: SigningKeys
  onProgress: () => void
}): PoolSealing {
  let running: Promise<void> | undefined
  let progress = false
  let failures = 0
  let retryAt = 0
  /** what is on record as the problem; undefined: not known, another worker may have noted one */
  let noted: string | null | undefined
  const note = async (lease: Lease, problem: string | null) => {
    if (noted === problem) return
    await notePoolProblem(db, lease, problem)
    noted = problem
  }
  let verifierUnder: number | undefined
  /** Once per lease, when there is a pool manifest. Without it nothing is worse than it was: it holds up nothing. */
  async function putVerifier(lease: Lease): Promise<void> {
    if (verifierUnder === lease.token || (await newestSealedNumber(db)) === 0) return
    verifierUnder = lease.token
    try {
      await writeVerifier(outputDirectory, { assertMayWrite: () => assertLease(db, lease) })
    } catch (error) {
      if (error instanceof LeaseLost) throw error
      log.warn({ err: error }, 'the verifier was not written beside the pool manifests')
    }
  }
  /** A longer wait than was ever set means that the clock was set back. */
  const rests = () => retryAt > clock.now() && retryAt - clock.now() <= RETRY.delayMaxMs

  async function once(lease: Lease, signal: AbortSignal): Promise<void> {
    try {
      const done = await sealPool({ db, lease, clock, log, pool, outputDirectory, keys, signal, holder })
      await note(lease, null)
      await putVerifier(lease)
      failures = 0
      retryAt = 0
      if (done === 'nothing') return
      progress = true
      onProgress()
    } catch (error) {
      if (error instanceof LeaseLost || signal.aborted) return
      if (error instanceof StagedRowMissing) await noteLacking(db, lease, error).catch(() => {})
      retryAt = clock.now() + backoffMs(failures++, RETRY)
      log.error({ err: error, failures }, 'the pool manifest cannot be sealed')
      // A database that is away has alarms of its own.
      await note(lease, exportProblem(error, join(outputDirectory, POOL_DIRECTORY))).catch(() => undefined)
    }
  }

  return {
    run(lease, signal) {
      if (running || rests()) return
      running = once(lease, signal).finally(() => {
        running = undefined
      })
    },
    async settled() {
      await running
      const done = progress ? 'progress' : 'nothing'
      progress = false
      return done
    },
  }
}
