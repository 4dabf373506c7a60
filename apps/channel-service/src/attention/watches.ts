import type { Bus, RoomMessage } from '@hansard/bus'
import type { Clock, Timer } from '@hansard/clock'
import { loadRoomAccess, roomCounters, standingsIn } from '@hansard/pool-store'
import { decide } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import type { ServerMessageOf } from '@hansard/wire'
import { textFrame } from '../delivery/frames.ts'
import type { Session } from '../delivery/session.ts'

/** Rooms that sessions watch without being in them: a notice says that something is new, but not what. */
export type Watches = {
  /** The session may read the room, as decided under `rights`. It is sent the newest chat id at once. */
  add(session: Session, room: { id: number; uri: string; rights: number }): Promise<'watching' | 'limit-exceeded'>
  remove(session: Session, roomUri: string): void
  removeAll(session: Session): void
  /** Compares every watched room with the record: finds what a bus has dropped. */
  compare(): Promise<void>
  stop(): void
}

export const WATCHED_ROOMS_MAX = 1_000
/** Minimum milliseconds between two notices of one room to one session. */
const NOTICE_EVERY_MS = 1_000

type Watcher = {
  /** the last chat id sent to this session; -1: none yet */
  told: number
  /** rights version under which it was last checked */
  rights: number
}
type Watched = {
  readonly id: number
  readonly uri: string
  readonly watchers: Map<Session, Watcher>
  unsubscribe: () => Promise<void>
  /** the newest chat id known */
  last: number
  /** the newest known rights version of the room */
  rights: number
  /** set while notices wait for the minimum interval or for the database */
  pause: Timer | 'telling' | undefined
}

/**
 * The danger is a notice to a user who may no longer read the room. So a watcher that was checked under an older
 * rights version is checked again before it is sent anything.
 */
export function createWatches({ db, bus, clock }: { db: Database; bus: Bus; clock: Clock }): Watches {
  const rooms = new Map<number, Watched>()
  const bySession = new Map<Session, Map<string, Watched>>()
  let stopped = false

  const hear = (
    room: Watched,
    { last = 0, rights = 0 }: { last?: number | undefined; rights?: number | undefined },
  ) => {
    room.last = Math.max(room.last, last)
    room.rights = Math.max(room.rights, rights)
    tell(room)
  }

  const hearBus = (room: Watched, message: RoomMessage) => {
    if (message.t === 'chats') hear(room, { last: message.chats.at(-1)?.id, rights: message.rights })
    else if (message.t === 'room-changed') hear(room, { rights: message.rights })
  }

  /**
   * Notifies all watchers that do not know the newest chat, now or after the minimum interval. The newest chat is
   * never left out.
   */
  const tell = (room: Watched) => {
    if (room.pause || stopped || ![...room.watchers.values()].some((watcher) => watcher.told < room.last)) return
    room.pause = 'telling'
    const pause = () => {
      room.pause = clock.after(NOTICE_EVERY_MS, () => {
        room.pause = undefined
        tell(room)
      })
    }
    // If the database is down, try again in a second.
    tellNow(room).then(pause, pause)
  }

  const tellNow = async (room: Watched) => {
    await judge(room)
    const notice: ServerMessageOf<'new-content'> = { t: 'new-content', room: room.uri, last: room.last }
    const frame = textFrame(JSON.stringify(notice))
    for (const [session, watcher] of room.watchers) {
      if (session.closed || session.closing || watcher.told >= room.last || watcher.rights < room.rights) continue
      watcher.told = room.last
      session.deliver(frame)
    }
  }

  const judge = async (room: Watched) => {
    for (let reading = 0; reading < READINGS_MAX; reading += 1) {
      const outdated = [...room.watchers].filter(([, watcher]) => watcher.rights < room.rights)
      if (outdated.length === 0) return
      const access = await loadRoomAccess(db, { id: room.id })
      const people = outdated.map(([session]) => session.principal!)
      const standings = access && (await standingsIn(db, access, people))
      for (const [session, watcher] of outdated) {
        const standing = standings?.get(session.principal!.id)
        const allowed = access && standing && decide('read-history', access.rules, standing, access.settings).allowed
        if (allowed) watcher.rights = access.room.rights
        else remove(session, room)
      }
      room.rights = Math.max(room.rights, access?.room.rights ?? 0)
    }
    throw new Error(`The rights of ${room.uri} change faster than they can be read.`)
  }

  const open = (id: number, uri: string): Watched => {
    const known = rooms.get(id)
    if (known) return known
    const room: Watched = {
      id,
      uri,
      watchers: new Map(),
      unsubscribe: async () => {},
      last: 0,
      rights: 0,
      pause: undefined,
    }
    rooms.set(id, room)
    return room
  }

  const remove = (session: Session, room: Watched) => {
    room.watchers.delete(session)
    const watched = bySession.get(session)
    watched?.delete(room.uri)
    if (watched?.size === 0) bySession.delete(session)
    if (room.watchers.size > 0 || rooms.get(room.id) !== room) return
    rooms.delete(room.id)
    if (room.pause && room.pause !== 'telling') room.pause.cancel()
    void room.unsubscribe().catch(() => {})
  }

  return {
    async add(session, { id, uri, rights }) {
      const watched = bySession.get(session)
      if (session.closed || watched?.has(uri)) return 'watching'
      if (watched && watched.size >= WATCHED_ROOMS_MAX) return 'limit-exceeded'
      const room = open(id, uri)
      const first = room.watchers.size === 0
      room.watchers.set(session, { told: -1, rights })
      if (watched) watched.set(uri, room)
      else bySession.set(session, new Map([[uri, room]]))
      if (first) {
        const unsubscribe = await bus.subscribeRoom(id, (message) => hearBus(room, message))
        if (rooms.get(id) === room) room.unsubscribe = unsubscribe
        else await unsubscribe()
      }
      // Read after subscribing: a chat committed in between is either read or received.
      const counters = (await roomCounters(db, [id])).get(id)
      hear(room, { last: counters?.lastChatId, rights: counters?.rights })
      return 'watching'
    },
    remove(session, roomUri) {
      const room = bySession.get(session)?.get(roomUri)
      if (room) remove(session, room)
    },
    removeAll(session) {
      for (const room of [...(bySession.get(session)?.values() ?? [])]) remove(session, room)
    },
    async compare() {
      for (const [id, { lastChatId, rights }] of await roomCounters(db, [...rooms.keys()])) {
        const room = rooms.get(id)
        if (room) hear(room, { last: lastChatId, rights })
      }
    },
    stop() {
      stopped = true
      for (const session of [...bySession.keys()]) this.removeAll(session)
    },
  }
}

const READINGS_MAX = 5
