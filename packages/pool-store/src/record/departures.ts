import type { PartReason } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'

/**
 * Who was in a room that keeps no history until a moment ago.
 *
 * Such a room says a chat to those who are there, and to nobody later. Somebody whose connection broke, or whose service
 * died, was there to hear it: they are caught up when they come back while the text is still held. Whoever came in as
 * another, went by themselves or was put out was not. So the record of such a departure leaves a row behind, in its own
 * transaction, for as long as the text is held; coming back uses it up. A connection may also have died without the pool
 * having noticed: a session of theirs that is still in the room stands for them as well.
 */

/** So long a room without history holds what was said in it. */
export const UNLOGGED_HELD_MS = 10 * 60 * 1_000

/** Somebody's stay in a room without history, under way (`present`) or ended by accident. */
export type Stay = {
  readonly roomId: number
  readonly principalId: number
  readonly session: string
  /** every chat after this one was theirs to hear */
  readonly since: number
  readonly present: boolean
}

/** What the transaction reads for those who come into such rooms and name the last chat they have. */
export type StaysBefore = {
  readonly stays: readonly Stay[]
  /** the oldest chat whose text such a room still holds, by room id */
  readonly held: ReadonlyMap<number, number>
}

/** What the transaction writes about departures. */
export type StaysAfter = { readonly departed: readonly Stay[]; readonly returned: readonly Stay[] }

/** So many of one person's stays in one room are looked at: the latest. */
export const STAYS_MAX = 50

/** Whether somebody who went for this reason would have stayed: the others chose, or were not to hear more. */
const BY_ACCIDENT: Record<PartReason, boolean> = {
  left: false,
  removed: false,
  disconnected: true,
  orphaned: true,
  stopped: true,
}

/** The stays that a batch concerns, while it gives out numbers. */
export function followStays(before: StaysBefore) {
  const known = new Map(before.stays.map((stay) => [keyOf(stay), stay]))
  const held = new Map(before.held)
  const departed = new Map<string, Stay>()
  const returned = new Map<string, Stay>()

  return {
    said(roomId: number, chatId: number): void {
      if (!held.has(roomId)) held.set(roomId, chatId)
    },

    /** Somebody comes in who has chats up to `after`: answers the chat after which they are caught up. */
    comeBack(
      { roomId, principalId }: Pick<Stay, 'roomId' | 'principalId'>,
      { after, last }: { after: number; last: number },
    ): number {
      const from = (stay: Stay) => Math.max(after, stay.since)
      const [stay] = [...known.values()]
        .filter((each) => each.roomId === roomId && each.principalId === principalId)
        // Of several the one that fits best, so that each is there for the device it belongs to.
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

    /** Somebody went. `since` is null when the room kept history while they were there. */
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
 * Forgets at most `limit` departures from before `before` (milliseconds since 1970) and answers how many. Any number of
 * services may do this.
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
