import { hash } from 'node:crypto'
import type { Clock } from '@hansard/clock'
import { addressKey } from '@hansard/config'
import { type Database, groupedStatement, groupedTransaction, type Knex } from '@hansard/sql'

/**
 * Throttles password guessing, following NIST SP 800-63B-4, section 3.2.2, and OWASP's device cookies.
 *
 * There are two dangers: guesses must not succeed, and an attacker who sends wrong guesses must not lock the owner
 * out. Failures from devices unknown to the account are therefore counted together, and those of each known device
 * separately: whatever strangers do, a known device is neither delayed nor refused. The counts are in the pool
 * database, so a guess counts once, whichever service received it.
 */
type Throttle = {
  /**
   * Counts an attempt as failed before its password is checked, so that concurrent guesses count too. `wait`: it was
   * not counted, and its password must not be checked.
   */
  begin(attempt: Attempt): Promise<Begun>
  /** The attempt that `begin` counted was successful. */
  succeeded(attempt: Attempt): Promise<void>
}
type Begun =
  | { readonly outcome: 'wait'; readonly waitMs: number }
  | {
      readonly outcome: 'go'
      /** The password was not checked after all: this attempt does not count. */
      undo(): Promise<void>
    }
type Attempt = {
  readonly account: string
  readonly remote: string
  /** hash of the device token, if the device is known for this account */
  readonly device: string | undefined
}

type Bucket = { readonly key: string; readonly rule: Rule }
/** This many failures are free; after each further one the wait doubles, from a second to the maximum. */
type Rule = { readonly free: number; readonly longestWaitMs: number }

const FROM_KNOWN_DEVICE: Rule = { free: 10, longestWaitMs: 60_000 }
const FROM_ADDRESS: Rule = { free: 5, longestWaitMs: 15 * 60_000 }
/** 100 is NIST's limit of consecutive failures. */
const FROM_EVERYWHERE: Rule = { free: 100, longestWaitMs: 60 * 60_000 }

const FORGET_AFTER_MS = 24 * 60 * 60_000
const BUCKETS_MAX = 100_000
const PRUNE_EVERY = 100

export function createThrottle({
  db,
  clock,
  bucketsMax = BUCKETS_MAX,
}: {
  db: Database
  clock: Clock
  bucketsMax?: number
}): Throttle {
  let begun = 0
  return {
    async begin(attempt) {
      const now = clock.now()
      begun += 1
      if (begun % PRUNE_EVERY === 0) await prune(db, { now, bucketsMax })
      const buckets = bucketsOf(attempt)
      return groupedTransaction(db, async (tx): Promise<Begun> => {
        const counts = []
        const set: { key: string; waitUntil: number }[] = []
        // Always the narrow bucket first, so that two attempts cannot deadlock.
        for (const bucket of buckets) counts.push(await lockBucket(tx, bucket.key, now))
        // A longer wait than was ever set means that the clock was set back since.
        const waits = counts.map(({ waitUntil }, at) => {
          const waitMs = waitUntil - now
          return waitMs <= buckets[at]!.rule.longestWaitMs ? waitMs : 0
        })
        const waitMs = Math.max(...waits)
        if (waitMs > 0) return { outcome: 'wait', waitMs }
        for (const [at, { key, rule }] of buckets.entries()) {
          const failures = counts[at]!.failures + 1
          const wait = waitAfter(failures, rule)
          const row = { failures, last_at: now, wait_until: wait === 0 ? 0 : now + wait }
          set.push({ key, waitUntil: row.wait_until })
          await tx('sign_in_failure').where({ bucket: key }).update(row)
        }
        return { outcome: 'go', undo: () => undo(db, set) }
      })
    },
    async succeeded(attempt) {
      const [own, ...shared] = bucketsOf(attempt)
      await groupedStatement(db, (k) => k('sign_in_failure').where({ bucket: own!.key }).delete())
      // Only this attempt is taken back; the failures of others still count.
      for (const { key } of shared) {
        await groupedStatement(db, (k) =>
          k('sign_in_failure')
            .where({ bucket: key })
            .andWhere('failures', '>', 0)
            .update({ failures: k.raw('failures - 1'), wait_until: 0 }),
        )
      }
    },
  }
}

/** Takes one failure back. A wait that a later attempt has set stays. */
async function undo(db: Database, set: readonly { key: string; waitUntil: number }[]): Promise<void> {
  await groupedTransaction(db, async (tx) => {
    for (const { key, waitUntil } of set) {
      const counted = tx('sign_in_failure').where({ bucket: key }).andWhere('failures', '>', 0)
      await counted.update({
        failures: tx.raw('failures - 1'),
        wait_until: tx.raw('case when wait_until = ? then 0 else wait_until end', [waitUntil]),
      })
    }
  })
}

async function lockBucket(tx: Knex.Transaction, bucket: string, now: number) {
  const fresh = { bucket, failures: 0, last_at: now, wait_until: 0 }
  await tx('sign_in_failure').insert(fresh).onConflict('bucket').ignore()
  const row: { failures: number; last_at: number; wait_until: number } = await tx('sign_in_failure')
    .where({ bucket })
    .forUpdate()
    .first('failures', 'last_at', 'wait_until')
  const forgotten = now - row.last_at >= FORGET_AFTER_MS
  return { failures: forgotten ? 0 : row.failures, waitUntil: row.wait_until }
}

/** The wait after this many consecutive failures. */
function waitAfter(failures: number, { free, longestWaitMs }: Rule): number {
  return failures <= free ? 0 : Math.min(1_000 * 2 ** Math.min(failures - free - 1, 30), longestWaitMs)
}

/** The narrowest first. */
function bucketsOf({ account, remote, device }: Attempt): readonly Bucket[] {
  if (device !== undefined) return [{ key: bucketKey('device', device), rule: FROM_KNOWN_DEVICE }]
  return [
    { key: bucketKey('address', account, addressKey(remote)), rule: FROM_ADDRESS },
    { key: bucketKey('account', account), rule: FROM_EVERYWHERE },
  ]
}

function bucketKey(...parts: readonly string[]): string {
  return hash('sha256', JSON.stringify(parts), 'base64url')
}

/** Deletes old buckets and, when an attacker invents account names, the buckets with the fewest failures. */
async function prune(db: Database, { now, bucketsMax }: { now: number; bucketsMax: number }): Promise<void> {
  await groupedStatement(db, (k) =>
    k('sign_in_failure')
      .where('last_at', '<', now - FORGET_AFTER_MS)
      .delete(),
  )
  const counted = await db.knex('sign_in_failure').count('* as rows').first()
  const tooMany = Number(counted?.['rows'] ?? 0) - bucketsMax
  if (tooMany <= 0) return
  await groupedStatement(db, (k) =>
    k('sign_in_failure')
      .whereIn('bucket', k('sign_in_failure').orderBy('failures').orderBy('last_at').limit(tooMany).select('bucket'))
      .delete(),
  )
}
