import { randomInt } from 'node:crypto'
import type { Bus, RoomMessage } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import {
  addInOf,
  loadRoomAccess,
  type PolicyPlace,
  participantCount,
  participantCounts,
  roomCounters,
  type Source,
} from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { LiveFeeds } from '../attention/live-feeds.ts'
import { type Evict, judgeMembers } from './judge-members.ts'
import { createPresenceNotices, createPresenceReports, type Presence } from './presence.ts'
import { RoomHub } from './room-hub.ts'
import { createRoomReads } from './room-reads.ts'

/** The hubs of the rooms that sessions of this service are in, connected to those of the other services by the bus. */
export type RoomsInService = {
  find(by: { id: number } | { uri: string }): RoomHub | undefined
  /**
   * The room's hub, created and subscribed to the bus on first use, with `entering` incremented: decrement it, then
   * `leave`. Undefined when the room has been deleted.
   */
  enter(roomId: number): Promise<RoomHub | undefined>
  /** Removes the hub when no session of this service is in the room any more. */
  leave(hub: RoomHub): void
  /** A join or part: notifies the members here and on the other services. */
  presence(hub: RoomHub, presence: Presence): void
  /** Handles a message about a room from another service, or from a command on this one. */
  hear(message: RoomMessage): void
  /** Compares every room with the record: finds what the bus has dropped. */
  compare(): Promise<void>
  /** Counts the participants of every room again. */
  recount(): Promise<void>
  /** Reports to the other services what they have not been told yet. */
  stop(): void
}

export function createRoomsInService(options: {
  db: Database
  bus: Bus
  place: PolicyPlace
  /** this service, as the record knows it */
  source: Source
  /** whether the record confirmed a moment ago that this service is alive */
  confirmedAlive: () => boolean
  participantUpdateLimit: () => number
  evict: Evict
  feeds: LiveFeeds
  onError: (error: unknown) => void
  /** draws a number for a room; numbers in use are drawn again */
  drawRef?: () => number
}): RoomsInService {
  const { db, bus, place, source, participantUpdateLimit, evict, feeds, onError } = options
  const { drawRef = () => randomInt(REF_MAX) } = options
  const service = `${source.name}/${source.epoch}`
  const notices = createPresenceNotices(participantUpdateLimit)
  const reports = createPresenceReports({ bus, from: service })
  const hubs = new Map<number, { hub: RoomHub; unsubscribe: () => Promise<void>; openedAt: number }>()
  const byUri = new Map<string, RoomHub>()
  const opening = new Map<number, Promise<RoomHub | undefined>>()

  // Drawn, not counted: a number that rises would tell a client of rooms that others come into.
  const refs = new Set<number>()
  const takeRef = (): number => {
    let ref = drawRef()
    while (refs.has(ref)) ref = drawRef()
    // At once: another room may be opened during an await.
    refs.add(ref)
    return ref
  }

  const open = async (roomId: number): Promise<RoomHub | undefined> => {
    let hub: RoomHub | undefined
    const early: RoomMessage[] = []
    // Subscribe before reading the room: a message in between is either read or received, and both do no harm.
    const unsubscribe = await bus.subscribeRoom(roomId, (message) => {
      if (message.from === service) return
      if (hub) hear(hub, message)
      else if (message.t !== 'presences') early.push(message)
    })
    try {
      const participants = await participantCount(db, roomId)
      // Read before anybody is in, so that every later edit is sent.
      const edits = (await roomCounters(db, [roomId])).get(roomId)?.edits ?? 0
      const access = await loadRoomAccess(db, { id: roomId })
      if (!access) {
        await unsubscribe()
        return undefined
      }
      const addIn = await addInOf(db, access.room)
      hub = new RoomHub({
        access,
        ref: takeRef(),
        addIn,
        participants,
        edits,
        feeds,
        reads: createRoomReads(options, roomId),
        judge: (room) => judgeMembers({ db, place, evict }, room),
      })
      hub.quiet = hub.participants > participantUpdateLimit()
      hubs.set(roomId, { hub, unsubscribe, openedAt: systemClock.now() })
      byUri.set(hub.uri, hub)
      for (const message of early) hear(hub, message)
      return hub
    } catch (error) {
      await unsubscribe()
      throw error
    }
  }

  const hear = (hub: RoomHub, message: RoomMessage) => {
    switch (message.t) {
      case 'chats':
        for (const chat of message.chats) hub.deliver(chat.id, chat.frame, message.rights)
        return
      case 'presences':
        for (const { joined, ...who } of message.people) notices.tell(hub, { joined, who, rights: message.rights })
        // What happened before the room was opened here may be in its count already.
        if (isNew(hub)) recountRooms([hub.id]).catch(onError)
        return
      case 'room-changed':
        if (message.rights === undefined || message.rights > hub.rights) hub.refresh().catch(onError)
        return
      case 'chats-edited':
        hub.tellEdits(message.edit).catch(onError)
    }
  }

  const isNew = (hub: RoomHub) => {
    const age = systemClock.now() - (hubs.get(hub.id)?.openedAt ?? 0)
    return age >= 0 && age < NEW_MS
  }

  const recountRooms = async (ids: readonly number[]) => {
    const counts = await participantCounts(db, ids)
    const counters = await roomCounters(db, ids)
    for (const id of ids) {
      const hub = hubs.get(id)?.hub
      const rights = counters.get(id)?.rights
      const now = counts.get(id) ?? 0
      if (hub && rights !== undefined && now !== hub.participants) notices.count(hub, now, rights)
    }
  }

  const hold = (hub: RoomHub) => {
    hub.entering += 1
    return hub
  }

  return {
    find: (by) => ('id' in by ? hubs.get(by.id)?.hub : byUri.get(by.uri)),
    async enter(roomId) {
      const known = hubs.get(roomId)?.hub
      if (known) return hold(known)
      let promise = opening.get(roomId)
      if (!promise) {
        promise = open(roomId).finally(() => opening.delete(roomId))
        opening.set(roomId, promise)
      }
      if (!(await promise)) return undefined
      // Another session that waited for the hub may have joined and left meanwhile, and removed the hub.
      const opened = hubs.get(roomId)?.hub
      return opened ? hold(opened) : this.enter(roomId)
    },
    leave(hub) {
      const entry = hubs.get(hub.id)
      if (!entry || entry.hub !== hub || hub.members.size > 0 || hub.entering > 0) return
      hubs.delete(hub.id)
      byUri.delete(hub.uri)
      refs.delete(hub.ref)
      void entry.unsubscribe().catch(() => {})
    },
    presence(hub, { joined, who, rights }) {
      notices.tell(hub, { joined, who, rights })
      reports.report(hub.id, { joined, who, rights })
    },
    hear(message) {
      const hub = hubs.get(message.room)?.hub
      if (hub) hear(hub, message)
    },
    async compare() {
      // Do not wait for rooms: checking a large one must not delay the others.
      const counters = await roomCounters(db, [...hubs.keys()])
      for (const [id, { lastChatId, rights, edits }] of counters) {
        const hub = hubs.get(id)?.hub
        if (!hub) continue
        if (rights > hub.rights && !hub.deleted) hub.reach(rights).catch(onError)
        hub.catchUpTo(lastChatId)
        hub.tellEdits(edits).catch(onError)
      }
    },
    recount: () => recountRooms([...hubs.keys()]),
    stop: reports.stop,
  }
}

/** For so many milliseconds, longer than other services gather their reports, a room counts as newly opened. */
const NEW_MS = 1_000
/** Far more than rooms on one service, and short. */
const REF_MAX = 1_000_000
