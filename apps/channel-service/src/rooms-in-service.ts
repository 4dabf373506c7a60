import type { Bus } from '@hansard/bus'
import { chatsAfter, findRoom, type Principal, participantCount, type Room } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { ServerMessageOf } from '@hansard/wire'
import { RoomHub } from './room-hub.ts'
import type { Session } from './session.ts'

/** The hubs of the rooms somebody of this service is in, joined to those of the other services by the bus. */
export type RoomsInService = {
  find(roomId: number): RoomHub | undefined
  /** The room's hub, made and joined to the bus on first use, with `entering` raised: lower it, then `leave`. */
  enter(room: Room): Promise<RoomHub>
  /** Forgets the hub when nobody of this service is in the room any more. */
  leave(hub: RoomHub): void
  presence(hub: RoomHub, joined: boolean, who: Principal, except?: Session): void
  all(): Iterable<RoomHub>
}

export function createRoomsInService(options: {
  db: Database
  bus: Bus
  service: string
  participantUpdateLimit: number
}): RoomsInService {
  const { db, bus, service, participantUpdateLimit } = options
  const hubs = new Map<number, { hub: RoomHub; unsubscribe: () => Promise<void> }>()
  const opening = new Map<number, Promise<RoomHub>>()

  const open = async (room: Room): Promise<RoomHub> => {
    let hub: RoomHub | undefined
    // Subscribed before the room is read: what is said in between is either read or heard, and twice does no harm.
    const unsubscribe = await bus.subscribeRoom(room.id, (message) => {
      if (!hub || message.from === service) return
      if (message.t === 'chats') for (const chat of message.chats) hub.deliver(chat.id, chat.frame)
      else if (message.t === 'presence') tell(hub, message.joined, message.who)
    })
    try {
      const current = (await findRoom(db, { id: room.id })) ?? room
      hub = new RoomHub({
        id: room.id,
        uri: room.uri,
        name: room.name,
        delivered: current.lastChatId,
        participants: await participantCount(db, room.id),
        readAfter: (after, limit) =>
          chatsAfter(db, { roomId: room.id, after, through: Number.MAX_SAFE_INTEGER, limit }),
      })
      hubs.set(room.id, { hub, unsubscribe })
      return hub
    } catch (error) {
      await unsubscribe()
      throw error
    }
  }

  const tell = (hub: RoomHub, joined: boolean, who: { uri: string; name: string }, except?: Session) => {
    hub.participants = Math.max(0, hub.participants + (joined ? 1 : -1))
    if (hub.participants > participantUpdateLimit) hub.quiet = true
    else if (hub.participants < 0.8 * participantUpdateLimit) hub.quiet = false
    if (hub.quiet) return
    const notice: ServerMessageOf<'participant-joined' | 'participant-parted'> = {
      t: joined ? 'participant-joined' : 'participant-parted',
      room: hub.uri,
      who: { uri: who.uri, name: who.name },
    }
    hub.notify(JSON.stringify(notice), except)
  }

  const hold = (hub: RoomHub) => {
    hub.entering += 1
    return hub
  }

  return {
    find: (roomId) => hubs.get(roomId)?.hub,
    async enter(room) {
      const known = hubs.get(room.id)?.hub
      if (known) return hold(known)
      let promise = opening.get(room.id)
      if (!promise) {
        promise = open(room).finally(() => opening.delete(room.id))
        opening.set(room.id, promise)
      }
      await promise
      // Somebody else who waited for it may have come and gone in the meantime, and the hub with them.
      const opened = hubs.get(room.id)?.hub
      return opened ? hold(opened) : this.enter(room)
    },
    leave(hub) {
      const entry = hubs.get(hub.id)
      if (!entry || entry.hub !== hub || hub.members.size > 0 || hub.entering > 0) return
      hubs.delete(hub.id)
      void entry.unsubscribe().catch(() => {})
    },
    presence(hub, joined, who, except) {
      tell(hub, joined, who, except)
      bus.publish({ t: 'presence', room: hub.id, joined, who: { uri: who.uri, name: who.name }, from: service })
    },
    *all() {
      for (const { hub } of hubs.values()) yield hub
    },
  }
}
