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

/**
 * Delivers the newest checkpoint to each anchor, beside everything else: an anchor that cannot be reached holds up
 * neither sealing nor the other anchors. What it missed meanwhile is not delivered later, because a checkpoint vouches
 * for all that came before it.
 */
type Anchoring = {
  run(lease: Lease, signal: AbortSignal): Promise<void>
  settled(): Promise<'progress' | 'nothing'>
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
  const running = new Map<string, Promise<void>>()
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
        running.set(
          name,
          deliver(anchor, state, lease, signal).finally(() => running.delete(name)),
        )
      }
    },
    async settled() {
      await Promise.all(running.values())
      const done = progress ? 'progress' : 'nothing'
      progress = false
      return done
    },
    retryAt: () => [...retries.values()].map(({ at }) => at).sort((a, b) => a - b)[0],
  }
}
