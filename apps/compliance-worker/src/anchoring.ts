import { backoffMs } from '@hansard/backoff'
import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { assertLease, type Database, type Lease, LeaseLost } from '@hansard/sql'
import {
  type AnchorState,
  nameAnchors,
  newestSealedNumber,
  newestSealedPoolManifest,
  noteAnchorProblem,
  readAnchors,
  recordDelivery,
} from '@hansard/staging'
import { deliverToDirectory } from './anchor-directory.ts'
import { type AnchorSetting, anchorName } from './anchor-settings.ts'
import { deliverToTimeStampAuthority } from './anchor-time-stamps.ts'
import { isDatabaseTrouble } from './classify-error.ts'
import { diskProblem } from './export-problem.ts'

const RETRY = { delayMs: 1_000, delayMaxMs: 60_000 }
/** An anchor that takes longer has a problem: a share that hangs gives no error. */
const ANSWERS_WITHIN_MS = 30_000
/** A delivery to a share that hangs cannot be ended, and does not hold up a stop for longer. */
const STOPS_WITHIN_MS = 2_000

/**
 * Delivers the newest checkpoint to each anchor, beside everything else: an anchor that cannot be reached holds up
 * neither sealing nor the other anchors. What it missed meanwhile is not delivered later, because a checkpoint vouches
 * for all that came before it.
 */
type Anchoring = {
  run(lease: Lease, signal: AbortSignal): Promise<void>
  settled(): Promise<'progress' | 'nothing'>
  /** Waits for deliveries that are under way, but not for one that hangs. */
  close(): Promise<void>
  /** when a delivery that failed is tried again; undefined: none failed */
  retryAt(): number | undefined
}

export function createAnchoring({
  db,
  clock,
  log,
  anchors,
  outputDirectory,
}: {
  db: Database
  clock: Clock
  log: Log
  anchors: readonly AnchorSetting[]
  outputDirectory: string
}): Anchoring {
  const running = new Map<string, { readonly delivery: Promise<void>; readonly since: number; late: boolean }>()
  const retries = new Map<string, { at: number; failures: number }>()
  /** the newest interval that each anchor has */
  const reached = new Map<string, number>()
  let named: number | undefined
  let progress = false
  /** A longer wait than was ever set means that the clock was set back. */
  const rests = (name: string) => {
    const leftMs = (retries.get(name)?.at ?? 0) - clock.now()
    return leftMs > 0 && leftMs <= RETRY.delayMaxMs
  }

  async function deliver(anchor: AnchorSetting, state: AnchorState, lease: Lease, signal: AbortSignal): Promise<void> {
    const { name } = state
    try {
      const cargo = await newestSealedPoolManifest(db)
      if (!cargo) return
      if (cargo.number <= (state.lastDelivered?.number ?? 0)) {
        reached.set(name, cargo.number)
        return
      }
      const assertMayWrite = () => assertLease(db, lease)
      if (anchor.kind === 'directory')
        await deliverToDirectory(anchor.path, cargo, { lastDelivered: state.lastDelivered, assertMayWrite })
      else await deliverToTimeStampAuthority(anchor.url, cargo, { outputDirectory, assertMayWrite, signal })
      const { number, stem } = cargo
      await recordDelivery(db, lease, { anchor: name, number, stem, deliveredAt: clock.now() })
      reached.set(name, number)
      retries.delete(name)
      progress = true
      log.info({ anchor: name, interval: number }, 'checkpoint delivered to its anchor')
    } catch (error) {
      if (error instanceof LeaseLost || signal.aborted) return
      const failures = (retries.get(name)?.failures ?? 0) + 1
      retries.set(name, { failures, at: clock.now() + backoffMs(failures - 1, RETRY) })
      log.error({ anchor: name, err: error, failures }, 'the checkpoint was not delivered to its anchor')
      if (isDatabaseTrouble(error)) return
      const problem = diskProblem(error, name) ?? (error instanceof Error ? error.message : String(error))
      await noteAnchorProblem(db, lease, { anchor: name, problem, now: clock.now() }).catch((failure: unknown) =>
        log.error({ anchor: name, err: failure }, 'the problem of an anchor was not recorded'),
      )
    }
  }

  return {
    async run(lease, signal) {
      if (named !== lease.token) {
        await nameAnchors(
          db,
          lease,
          anchors.map((anchor) => ({ name: anchorName(anchor), kind: anchor.kind })),
        )
        named = lease.token
        reached.clear()
      }
      if (anchors.length === 0) return
      for (const [name, one] of running) {
        if (one.late || clock.uptime() - one.since < ANSWERS_WITHIN_MS) continue
        one.late = true
        const problem = `It has not answered for ${ANSWERS_WITHIN_MS / 1_000} s. Does its share hang?`
        log.error({ anchor: name }, 'the anchor does not answer')
        await noteAnchorProblem(db, lease, { anchor: name, problem, now: clock.now() })
      }
      const newest = await newestSealedNumber(db)
      const due = anchors.filter((anchor) => {
        const name = anchorName(anchor)
        return !running.has(name) && !rests(name) && newest > (reached.get(name) ?? 0)
      })
      if (due.length === 0) return
      const states = new Map((await readAnchors(db)).map((state) => [state.name, state]))
      for (const anchor of due) {
        const name = anchorName(anchor)
        const state = states.get(name)
        if (!state) continue
        const delivery = deliver(anchor, state, lease, signal).finally(() => running.delete(name))
        running.set(name, { delivery, since: clock.uptime(), late: false })
      }
    },
    async settled() {
      await Promise.all([...running.values()].map(({ delivery }) => delivery))
      const done = progress ? 'progress' : 'nothing'
      progress = false
      return done
    },
    async close() {
      const stopped = new AbortController()
      const all = Promise.all([...running.values()].map(({ delivery }) => delivery))
      await Promise.race([all, clock.sleep(STOPS_WITHIN_MS, stopped.signal)])
      stopped.abort()
    },
    retryAt: () => [...retries.values()].map(({ at }) => at).sort((a, b) => a - b)[0],
  }
}
