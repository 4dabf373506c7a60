import type { Database, Knex } from '@hansard/sql'
import type { RecordWriter } from '../record/record-writer.ts'
import { findPrincipals } from './principals.ts'
import type { Entry } from './sign-in-record.ts'

/**
 * Sessions: what a sign-in begins. A row of `signed_in` is a session that has not been signed out and whose end is not
 * on record; `signed_out` has those whose tokens are refused before they expire. Both are written in the transaction
 * that records the sign-in or sign-out.
 */
export async function beginSessions(tx: Knex.Transaction, entries: readonly Entry[]): Promise<void> {
  const rows = entries.flatMap(({ event: { outcome, account, principal, session } }) => {
    if (outcome !== 'signed-in' || !principal || !session) return []
    const { id, expiresAt } = session
    return [
      { session: id, account, principal_id: principal.id, version: principal.credentialVersion, expires_at: expiresAt },
    ]
  })
  for (let from = 0; from < rows.length; from += BATCH) await tx('signed_in').insert(rows.slice(from, from + BATCH))
}

/** Ends the sessions that are signed out. Returns those that were not signed out before. */
export async function endSessions(
  tx: Knex.Transaction,
  entries: readonly Entry[],
  now: number,
): Promise<ReadonlySet<string>> {
  const ended = new Set<string>()
  const rows = entries.flatMap(({ event: { outcome, session } }) =>
    outcome === 'signed-out' && session ? [{ session: session.id, at: now, expires_at: session.expiresAt }] : [],
  )
  if (rows.length === 0) return ended
  await tx('signed_out').where('expires_at', '<', now).delete()
  for (let from = 0; from < rows.length; from += BATCH) {
    const some = rows.slice(from, from + BATCH)
    const ids = some.map(({ session }) => session)
    await tx('signed_in').whereIn('session', ids).delete()
    const inserted: { session: string }[] = await tx('signed_out')
      .insert(some)
      .onConflict('session')
      .ignore()
      .returning('session')
    for (const { session } of inserted) ended.add(session)
  }
  return ended
}

/**
 * Records that sessions have expired, each once, whichever service finds it first. A session that a changed password, a
 * disabled account or the end of all its sessions ended before has that on record as a `change`, and expires no more.
 * Returns how many sessions it looked at, `EXPIRED_AT_ONCE` at most.
 */
export async function recordExpiredSessions({
  db,
  writer,
  poolRoomId,
  now,
}: {
  db: Database
  writer: Pick<RecordWriter, 'change'>
  poolRoomId: number
  now: number
}): Promise<number> {
  if (!(await db.knex('signed_in').where('expires_at', '<=', now).first('session'))) return 0
  return writer.change(async (tx) => {
    const query = tx('signed_in').where('expires_at', '<=', now).orderBy('expires_at').limit(EXPIRED_AT_ONCE)
    if (db.dialect === 'postgres') query.forUpdate().skipLocked()
    const rows: SessionRow[] = await query
    const found = await findPrincipals(tx, [...new Set(rows.map((row) => row.principal_id))])
    await tx('signed_in')
      .whereIn(
        'session',
        rows.map((row) => row.session),
      )
      .delete()
    const events = rows.flatMap(({ session: tokenSession, account, principal_id, version, expires_at }) => {
      const principal = found.get(principal_id)
      if (!principal || principal.disabled || principal.credentialVersion !== version) return []
      const detail = { kind: 'session-expired' as const, account, tokenSession, expiresAt: expires_at }
      return [{ roomId: poolRoomId, principal, detail }]
    })
    return { events, rights: [], result: rows.length }
  })
}

export const EXPIRED_AT_ONCE = 200
// knex writes a multi-row insert for SQLite as a compound select, which has at most 500 terms.
const BATCH = 400

type SessionRow = {
  session: string
  account: string
  principal_id: number
  version: number
  expires_at: number
}
