import type { Database } from '@hansard/sql'

/** The time-limited right to do something that only one process should do. */
export type Lease = { readonly name: string; readonly holder: string; readonly token: number }

/**
 * Takes or renews a lease until `now + ttlMs`. Undefined while somebody else holds it. The token grows with every
 * change of holder.
 */
export async function takeLease(
  db: Database,
  { name, holder, now, ttlMs }: { name: string; holder: string; now: number; ttlMs: number },
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
    const row: { holder: string; token: number } | undefined = await tx('lease')
      .where({ name })
      .first('holder', 'token')
    return row?.holder === holder ? { name, holder, token: row.token } : undefined
  })
}

export async function releaseLease(db: Database, lease: Lease): Promise<void> {
  await db.knex('lease').where({ name: lease.name, holder: lease.holder, token: lease.token }).update({ expires_at: 0 })
}

/** Whether somebody holds a lease. */
export async function leaseHeld(db: Database, { name, now }: { name: string; now: number }): Promise<boolean> {
  const row: { expires_at: number } | undefined = await db.knex('lease').where({ name }).first('expires_at')
  return row !== undefined && row.expires_at > now
}
