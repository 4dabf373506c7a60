import type { Database, Knex } from '@hansard/sql'
import type { Principal } from '../access/principals.ts'
import { findPrincipals } from '../access/principals.ts'

/** A participant whose service ended before it could record the departure. */
type OrphanedParticipant = { readonly roomId: number; readonly session: string; readonly principal: Principal }

/** Participants of sources that are no longer alive, at most `limit`. Any survivor may part them; the record keeps one. */
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
 * For rooms that keep no history from here on: what is said now is for those who are there, so theirs to be caught up with.
 * The rooms are locked by the caller.
 */
export async function beginStays(tx: Knex.Transaction, roomIds: readonly number[]): Promise<void> {
  for (let from = 0; from < roomIds.length; from += 5_000) {
    await tx('participant')
      .whereIn('room_id', roomIds.slice(from, from + 5_000))
      .whereNull('since')
      .update({ since: tx('room').where('room.id', tx.ref('participant.room_id')).select('last_chat_id') })
  }
}

/** How many participants a room has, on all services. */
export async function participantCount(db: Database, roomId: number): Promise<number> {
  const row = await db.knex('participant').where({ room_id: roomId }).first(db.knex.raw('count(*) as "count"'))
  return Number(row?.count ?? 0)
}

/** How many participants rooms have, on all services; rooms without any are left out. */
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

/** Participants of every room, on every server: what joins and parts must fold to. */
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
