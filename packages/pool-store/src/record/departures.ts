import type { PartReason } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'

/**
 * Recent departures from rooms that keep no history.
 *
 * Such a room delivers a chat to those present and to nobody later. A participant whose connection broke, or whose
 * service died, was entitled to the chat: when they rejoin while the text is still kept, they catch up. A participant
 * who joined under another account, left deliberately or was removed is not entitled to it. The record of an
 * accidental departure therefore adds a row, in its own transaction, which is kept as long as the text; rejoining
 * consumes it. A connection may also have died before the pool noticed: a session of the principal that is still in
 * the room counts like such a row.
 */

/** How long a room without history keeps the text of its chats. */
export const UNLOGGED_HELD_MS = 10 * 60 * 1_000

/** A principal's stay in a room without history, current (`present`) or ended by accident. */
export type Stay = {
  readonly roomId: number
  readonly principalId: number
  readonly session: string
  /** the principal was entitled to every chat after this one */
  readonly since: number
  readonly present: boolean
}

/** What the transaction reads for principals who join such rooms and name the last chat they have. */
export type StaysBefore = {
  readonly stays: readonly Stay[]
  /** the oldest chat whose text such a room still keeps, by room id */
  readonly held: ReadonlyMap<number, number>
}

/** What the transaction writes about departures. */
export type StaysAfter = { readonly departed: readonly Stay[]; readonly returned: readonly Stay[] }

/** Stays of one principal in one room that are considered: the latest. */
export const STAYS_MAX = 50

/**
 * Whether a departure for this reason was an accident. The others were a choice, or ended the right to receive more.
 */
const BY_ACCIDENT: Record<PartReason, boolean> = {
  left: false,
  removed: false,
  disconnected: true,
  orphaned: true,
  stopped: true,
}

/** The stays that concern a batch, kept up to date while it is numbered. */
export function followStays(before: StaysBefore) {
  const known = new Map(before.stays.map((stay) => [keyOf(stay), stay]))
  const held = new Map(before.held)
  const departed = new Map<string, Stay>()
  const returned = new Map<string, Stay>()

  return {
    said(roomId: number, chatId: number): void {
      if (!held.has(roomId)) held.set(roomId, chatId)
    },

    /** A principal joins who has the chats up to `after`. Returns the chat after which they catch up. */
    comeBack(
      { roomId, principalId }: Pick<Stay, 'roomId' | 'principalId'>,
      { after, last }: { after: number; last: number },
    ): number {
      const from = (stay: Stay) => Math.max(after, stay.since)
      const [stay] = [...known.values()]
        .filter((each) => each.roomId === roomId && each.principalId === principalId)
        // Of several stays, the best match, so that each remains for the device it belongs to.
        .sort((a, b) => from(a) - from(b) || Number(a.present) - Number(b.present) || b.since - a.since)
      if (!stay) return last
      if (!stay.present) {
        const key = keyOf(stay)
        known.delete(key)
        departed.delete(key)
        returned.set(key, stay)
      }
      return Math.min(last, Math.max(from(stay), (held.get(roomId) ?? last + 1) - 1))
    },

    /** A principal departed. `since` is null when the room kept history during the stay. */
    part({ since, ...who }: Omit<Stay, 'since' | 'present'> & { since: number | null }, reason: PartReason): void {
      const key = keyOf(who)
      known.delete(key)
      if (since === null || !BY_ACCIDENT[reason]) return
      const stay = { ...who, since, present: false }
      known.set(key, stay)
      returned.delete(key)
      departed.set(key, stay)
    },

    result: (): StaysAfter => ({ departed: [...departed.values()], returned: [...returned.values()] }),
  }
}

const keyOf = ({ roomId, session }: Pick<Stay, 'roomId' | 'session'>) => `${roomId} ${session}`

/**
 * Deletes at most `limit` departures from before `before` (milliseconds since 1970); returns how many. Any number of
 * services may run it.
 */
export async function forgetDepartures(
  db: Database,
  { before, limit }: { before: number; limit: number },
): Promise<number> {
  const due: { room_id: number; session: string }[] = await db
    .knex('departure')
    .where('departed_at', '<', before)
    .orderBy('departed_at')
    .limit(limit)
    .select('room_id', 'session')
  const byRoom = Map.groupBy(due, (row) => row.room_id)
  for (const [roomId, rows] of byRoom) {
    await db
      .knex('departure')
      .where({ room_id: roomId })
      .andWhere('departed_at', '<', before)
      .whereIn(
        'session',
        rows.map((row) => row.session),
      )
      .delete()
  }
  return due.length
}
