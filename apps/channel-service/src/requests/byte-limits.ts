import type { Asker } from './limits.ts'

/**
 * Bounds the bytes per second that a session, and all sessions of an account together, may send. Requests are counted
 * elsewhere; a few large ones (stories) would fill the record as fast as many small ones.
 */
export type ByteLimits = {
  /** Accepts a frame of this size and returns 0, or returns the milliseconds after which it may be sent again. */
  take(asker: Asker, bytes: number): number
  ended(asker: Asker): void
}

type Bucket = { allowance: number; at: number }

/** Token buckets that each hold two seconds' worth. */
export function createByteLimits(options: {
  readonly clock: { uptime(): number }
  readonly perSession: number
  readonly perAccount: number
}): ByteLimits {
  const { clock, perSession, perAccount } = options
  const sessions = new Map<Asker, Bucket>()
  const accounts = new Map<number, Bucket>()
  /** buckets of accounts, swept when there are this many */
  let sweepAbove = SWEEP_ABOVE

  const refilled = <K>(buckets: Map<K, Bucket>, key: K, perSecond: number): Bucket => {
    const now = clock.uptime()
    const bucket = buckets.get(key) ?? { allowance: 2 * perSecond, at: now }
    bucket.allowance = Math.min(2 * perSecond, bucket.allowance + ((now - bucket.at) / 1_000) * perSecond)
    bucket.at = now
    buckets.set(key, bucket)
    return bucket
  }

  // An account keeps its bucket when its sessions end, so reconnecting gains nothing. A full bucket can be deleted.
  const sweep = () => {
    for (const id of [...accounts.keys()])
      if (refilled(accounts, id, perAccount).allowance >= 2 * perAccount) accounts.delete(id)
    sweepAbove = Math.max(SWEEP_ABOVE, 2 * accounts.size)
  }

  return {
    take(asker, bytes) {
      const session = refilled(sessions, asker, perSession)
      const account = asker.principal && refilled(accounts, asker.principal.id, perAccount)
      const wait = Math.max(waitMs(session, bytes, perSession), account ? waitMs(account, bytes, perAccount) : 0)
      if (wait > 0) return wait
      session.allowance -= bytes
      if (account) account.allowance -= bytes
      if (accounts.size > sweepAbove) sweep()
      return 0
    },
    ended(asker) {
      sessions.delete(asker)
    },
  }
}

function waitMs({ allowance }: Bucket, bytes: number, perSecond: number): number {
  return allowance >= bytes ? 0 : Math.ceil(((bytes - allowance) / perSecond) * 1_000)
}

const SWEEP_ABOVE = 1_000
