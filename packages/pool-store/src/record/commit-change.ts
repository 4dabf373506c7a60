import type { Database, Knex } from '@hansard/sql'
import { type Actor, type ChangeEvent, numberEvents, type RoomCounters, type SourceCounters } from './number-facts.ts'
import { SourceMoved } from './record-errors.ts'
import type { Source } from './sources.ts'

/**
 * The work of a change, in one transaction: it reads and locks what the decision depends on, writes the new state,
 * and returns the events that record it. The record writer numbers and chains those in the same transaction, so there
 * is no change without its record. `at` is the time stamp of the events.
 *
 * Locks: rooms in ascending id, before anything else that others lock. A refused change throws: nothing is changed,
 * and the caller gets the thrown value.
 */
export type ChangeWork<T> = (tx: Knex.Transaction, at: number) => Promise<Made<T>>
export type Made<T> = {
  readonly events: readonly ChangeEvent[]
  /** ids of rooms in which a decision may differ from before */
  readonly rights: readonly number[]
  readonly result: T
}
export type { Actor, ChangeEvent }

/** @internal `work` itself refused or failed: its error is the cause, and nothing was written. */
export class ChangeFailed extends Error {
  override name = 'ChangeFailed'
}

/** @internal One change, one transaction, one fsync. */
export async function commitChange<T>(
  db: Database,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  work: ChangeWork<T>,
  now: number,
): Promise<{ result: T; source: SourceCounters }> {
  const at = Math.max(now, source.lastStamp)
  return db.knex.transaction(async (tx) => {
    const made = await work(tx, at).catch((error: unknown) => {
      throw new ChangeFailed('The change was not made.', { cause: error })
    })
    const rooms = await lockRooms(db, tx, [...made.events.map((event) => event.roomId), ...made.rights])
    const after = numberEvents(made.events, rooms, source, { at, clock: now })
    await raiseRights(tx, made.rights)
    for (const room of after.rooms) await tx('room').where({ id: room.id }).update({ last_room_seq: room.lastRoomSeq })
    for (let from = 0; from < after.outbox.length; from += BATCH) {
      await tx('outbox').insert(
        after.outbox.slice(from, from + BATCH).map((event) => ({ source: source.name, epoch: source.epoch, ...event })),
      )
    }
    const { lastSeq, lastStamp, head } = after.source
    const kept = await tx('source')
      .where({ name: source.name, epoch: source.epoch, incarnation: source.incarnation })
      .andWhere({ state: 'alive', last_seq: source.lastSeq, head: source.head })
      .update({ last_seq: lastSeq, head, last_stamp: lastStamp, reported_at: lastStamp })
    if (kept !== 1) throw new SourceMoved(source)
    return { result: made.result, source: after.source }
  })
}

async function lockRooms(
  db: Database,
  tx: Knex.Transaction,
  ids: readonly number[],
): Promise<Map<number, RoomCounters>> {
  const rooms = new Map<number, RoomCounters>()
  const wanted = [...new Set(ids)].sort((a, b) => a - b)
  for (let from = 0; from < wanted.length; from += BATCH) {
    const query = tx('room')
      .whereIn('id', wanted.slice(from, from + BATCH))
      .orderBy('id')
    if (db.dialect === 'postgres') query.forUpdate()
    const rows: RoomCounters[] = await query.select(
      'id',
      'uri',
      tx.raw('coalesce(shown_name, name) as "name"'),
      'last_chat_id as lastChatId',
      'last_room_seq as lastRoomSeq',
      'rights',
    )
    for (const row of rows) rooms.set(row.id, row)
  }
  return rooms
}

async function raiseRights(tx: Knex.Transaction, ids: readonly number[]): Promise<void> {
  const wanted = [...new Set(ids)].sort((a, b) => a - b)
  for (let from = 0; from < wanted.length; from += BATCH) {
    await tx('room')
      .whereIn('id', wanted.slice(from, from + BATCH))
      .update({ rights: tx.raw('rights + 1') })
  }
}

// knex writes a multi-row insert for SQLite as a compound select, which has at most 500 terms.
const BATCH = 400
