import { type Chat, chatsAfter, chatsEdited, requireAlive, roomCounters, type Source } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

/** How one room's hub reads the pool database. */
export type RoomReads = {
  /** Chats after an id, oldest first, without a gap. */
  chatsAfter(after: number, limit: number): Promise<(Chat & { readonly unlogged: boolean })[]>
  /** The room's current rights version. Rejects when this service has been declared dead or replaced. */
  rights(): Promise<number>
  /** Whether the record confirmed a moment ago that this service is alive. */
  confirmedAlive(): boolean
  /** The chats edited after an edit, in the order of the edits, and the number of the last edit read. */
  chatsEdited(after: number): Promise<{ chats: readonly Chat[]; through: number }>
}

export function createRoomReads(
  { db, source, confirmedAlive }: { db: Database; source: Source; confirmedAlive: () => boolean },
  roomId: number,
): RoomReads {
  return {
    chatsAfter: (after, limit) => chatsAfter(db, { roomId, after, through: Number.MAX_SAFE_INTEGER, limit }),
    async rights() {
      if (!confirmedAlive()) await requireAlive(db, source)
      return (await roomCounters(db, [roomId])).get(roomId)?.rights ?? Number.MAX_SAFE_INTEGER
    },
    confirmedAlive,
    chatsEdited: (after) => chatsEdited(db, { roomId, after }),
  }
}
