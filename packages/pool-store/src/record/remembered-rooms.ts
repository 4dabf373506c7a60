import type { Clock } from '@hansard/clock'
import type { Fact } from './facts.ts'
import type { After, RoomCounters } from './number-facts.ts'

/**
 * The rooms' counters after this writer's last commit in each.
 *
 * They are only a guess: another service may have recorded something since, or a change may have incremented the
 * rights version. Facts numbered by the guess must be compared with the database in the statement that writes them,
 * and must not be written when it differs.
 */
export type RememberedRooms = {
  /** The counters of the rooms of these facts, if all facts are chats that can be numbered by the guess. */
  guess(facts: readonly Fact[]): ReadonlyMap<number, RoomCounters> | undefined
  /** Stores what was read under lock, and what was written. */
  learn(read: ReadonlyMap<number, RoomCounters>, written: After['rooms']): void
  /** One of these rooms has changed: for a while they are read under lock. */
  missed(ids: Iterable<number>): void
  /** Forgets everything: the outcome of a commit is unknown. */
  forget(): void
}

/** A room to which other services post too would be guessed wrong each time, and a wrong guess costs a round trip. */
const SHARED_FOR_MS = 1_000
const ROOMS_MAX = 50_000

export function rememberRooms(clock: Pick<Clock, 'uptime'>): RememberedRooms {
  const known = new Map<number, RoomCounters>()
  const sharedUntil = new Map<number, number>()

  const guessOf = (id: number): RoomCounters | undefined => {
    const until = sharedUntil.get(id)
    if (until !== undefined) {
      if (clock.uptime() < until) return undefined
      sharedUntil.delete(id)
    }
    return known.get(id)
  }

  return {
    guess(facts) {
      const rooms = new Map<number, RoomCounters>()
      for (const fact of facts) {
        if (fact.kind !== 'chat' || fact.again) return undefined
        const room = rooms.get(fact.roomId) ?? guessOf(fact.roomId)
        // A fact decided under a rights version other than the remembered one is decided by the database only.
        if (!room || room.rights !== fact.rights) return undefined
        rooms.set(fact.roomId, room)
      }
      return rooms
    },
    learn(read, written) {
      if (known.size > ROOMS_MAX) known.clear()
      for (const [id, room] of read) known.set(id, room)
      for (const { id, lastChatId, lastRoomSeq } of written)
        known.set(id, { ...known.get(id)!, lastChatId, lastRoomSeq })
    },
    missed(ids) {
      if (sharedUntil.size > ROOMS_MAX) sharedUntil.clear()
      for (const id of ids) {
        known.delete(id)
        sharedUntil.set(id, clock.uptime() + SHARED_FOR_MS)
      }
    },
    forget() {
      known.clear()
    },
  }
}
