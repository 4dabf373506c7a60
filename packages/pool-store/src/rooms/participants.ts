import type { Database, Knex } from '@hansard/sql'
import type { Principal } from '../access/principals.ts'
import { findPrincipals } from '../access/principals.ts'

/** A participant whose service ended before it could record the departure. */
type OrphanedParticipant = { readonly roomId: number; readonly session: string; readonly principal: Principal }

/**
 * At most `limit` participants of sources that are no longer alive. Any survivor may part them; only one part is
 * recorded.
 */
export async function orphanedParticipants(db: Database, limit: number): Promise<OrphanedParticipant[]> {
  const rows: { room_id: number; session: string; principal_id: number }[] = await db
    .knex('participant')
    .join('source', (on) => on.on('source.name', 'participant.source').andOn('source.epoch', 'participant.epoch'))
    .whereNot('source.state', 'alive')
    .orderBy(['participant.room_id', 'participant.session'])
    .limit(limit)
    .select('participant.room_id', 'participant.session', 'participant.principal_id')
  const principals = await findPrincipals(db, [...new Set(rows.map((row) => row.principal_id))])
  return rows.map((row) => ({
    roomId: row.room_id,
    session: row.session,
    principal: principals.get(row.principal_id)!,
  }))
}

/**
 * For rooms that keep no history from now on: present participants are entitled to what is posted now, so they can
 * catch up with it. The caller has locked the rooms.
 */
export async function beginStays(tx: Knex.Transaction, roomIds: readonly number[]): Promise<void> {
  for (let from = 0; from < roomIds.length; from += 5_000) {
    await tx('participant')
      .whereIn('room_id', roomIds.slice(from, from + 5_000))
      .whereNull('since')
      .update({ since: tx('room').where('room.id', tx.ref('participant.room_id')).select('last_chat_id') })
  }
}

/** Number of participants of a room, on all services. */
export async function participantCount(db: Database, roomId: number): Promise<number> {
  const row = await db.knex('participant').where({ room_id: roomId }).first(db.knex.raw('count(*) as "count"'))
  return Number(row?.count ?? 0)
}

/** Number of participants of each room, on all services; rooms without participants are omitted. */
export async function participantCounts(db: Database, roomIds: readonly number[]): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  for (let from = 0; from < roomIds.length; from += 5_000) {
    const rows: { room_id: number; count: number | string }[] = await db
      .knex('participant')
      .whereIn('room_id', roomIds.slice(from, from + 5_000))
      .groupBy('room_id')
      .select('room_id', db.knex.raw('count(*) as "count"'))
    for (const row of rows) found.set(row.room_id, Number(row.count))
  }
  return found
}

/** Participants of every room, on every server: the state that the join and part events must produce. */
export async function allParticipants(
  db: Database,
): Promise<{ roomUri: string; session: string; principalUri: string }[]> {
  return db
    .knex('participant')
    .join('room', 'room.id', 'participant.room_id')
    .join('principal', 'principal.id', 'participant.principal_id')
    .orderBy(['room.uri', 'participant.session'])
    .select('room.uri as roomUri', 'participant.session', 'principal.uri as principalUri')
}
