import type { Database, Knex } from '@hansard/sql'

/**
 * The exporter's lease: of all workers, the one that closes intervals and seals exports.
 *
 * A lease runs out by the clock, but clocks and pauses lie: a worker may sleep through its expiry and wake up sure of
 * itself. Therefore the token, which grows with every change of holder, is asked for inside each transaction of the
 * exporter, under a lock that a successor has to wait for. A worker with an old token can change nothing.
 */
export type Lease = { readonly name: string; readonly holder: string; readonly token: number }

export const EXPORTER_LEASE = 'exporter'

/** Takes or renews the lease until `now + ttlMs`. Undefined while somebody else holds it. */
export async function takeLease(
  db: Database,
  { name = EXPORTER_LEASE, holder, now, ttlMs }: { name?: string; holder: string; now: number; ttlMs: number },
): Promise<Lease | undefined> {
  return db.knex.transaction(async (tx) => {
    await tx('lease').insert({ name, holder, token: 0, expires_at: 0 }).onConflict('name').ignore()
    await tx('lease')
      .where({ name })
      .andWhere((either) => either.where('expires_at', '<=', now).orWhere({ holder }))
      .update({
        token: tx.raw('case when holder = ? and token > 0 then token else token + 1 end', [holder]),
        holder,
        expires_at: now + ttlMs,
      })
    const row: { holder: string; token: number } = await tx('lease').where({ name }).first('holder', 'token')
    return row.holder === holder ? { name, holder, token: row.token } : undefined
  })
}

/** Lets the next worker begin at once. The token stays, so that nothing this one left running can pass for its successor. */
export async function releaseLease(db: Database, { name, holder, token }: Lease): Promise<void> {
  await db.knex('lease').where({ name, holder, token }).update({ expires_at: 0 })
}

/** Runs a transaction of the exporter. Throws `LeaseLost`, having changed nothing, when somebody else is exporter now. */
export async function underLease<T>(
  db: Database,
  lease: Lease,
  work: (tx: Knex.Transaction) => Promise<T>,
): Promise<T> {
  return db.knex.transaction(async (tx) => {
    const query = tx('lease').where({ name: lease.name }).first('holder', 'token')
    // SQLite transactions hold the whole database; PostgreSQL is told to keep a successor waiting until we commit.
    const row: { holder: string; token: number } | undefined = await (db.dialect === 'postgres'
      ? query.forShare()
      : query)
    if (row?.token !== lease.token || row.holder !== lease.holder) throw new LeaseLost(lease)
    return work(tx)
  })
}

/** Throws `LeaseLost` when the lease is not ours any more. */
export async function assertLease(db: Database, lease: Lease): Promise<void> {
  const row: { holder: string; token: number } | undefined = await db
    .knex('lease')
    .where({ name: lease.name })
    .first('holder', 'token')
  if (row?.token !== lease.token || row.holder !== lease.holder) throw new LeaseLost(lease)
}

/** Another worker is exporter now. Not a failure: stop exporting, keep staging, and ask again later. */
export class LeaseLost extends Error {
  override name = 'LeaseLost'
  constructor({ name, holder, token }: Lease) {
    super(`The lease "${name}" is not held by ${holder} with token ${token} any more.`)
  }
}
