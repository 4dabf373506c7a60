import type { Bus } from '@hansard/bus'
import type { Outgoing } from '../delivery/frames.ts'
import type { RoomHub } from './room-hub.ts'

/** A chat that is durable, and the version of the room's rights under which it was committed. */
export type Committed = { readonly id: number; readonly frame: string; readonly rights: number }

/** Delivers committed chats to this service's members and, once a batch, to the other services. */
export type Delivery = { chat(hub: RoomHub, chat: Committed): void; endOfBatch(): void }

export function createDelivery({
  bus,
  service,
  outgoing,
}: {
  bus: Bus
  service: string
  outgoing: Outgoing
}): Delivery {
  let batch = new Map<number, { rights: number; chats: { id: number; frame: string }[] }>()
  return {
    chat(hub, { id, frame, rights }) {
      hub.deliver(id, frame, rights)
      const room = batch.get(hub.id)
      if (!room) batch.set(hub.id, { rights, chats: [{ id, frame }] })
      else {
        room.rights = Math.max(room.rights, rights)
        room.chats.push({ id, frame })
      }
    },
    endOfBatch() {
      outgoing.flush()
      const done = batch
      batch = new Map()
      for (const [room, { rights, chats }] of done) bus.publish({ t: 'chats', room, from: service, rights, chats })
    },
  }
}
