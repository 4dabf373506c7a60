import type { Bus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import type { Outgoing } from '../delivery/frames.ts'
import type { RoomHub } from './room-hub.ts'

/** A chat that is durable, and the version of the room's rights under which it was committed. */
type Committed = { readonly id: number; readonly frame: string; readonly rights: number }

/** Delivers committed chats to this service's members and, once a batch, to the other services. */
export type Delivery = {
  chat(hub: Pick<RoomHub, 'id' | 'deliver'>, chat: Committed): void
  endOfBatch(): void
  /** Publishes what is gathered. */
  stop(): void
}

type RoomBatch = { rights: number; chats: { id: number; frame: string }[] }

/**
 * Milliseconds between two publishes of a room that no other service listens to. A service that begins to listen hears
 * of the first chats that much later, at most. In a pool with a single channel service, a publish for each chat
 * would only cost CPU time.
 */
const UNHEARD_MS = 100
/** Chats of one room in one message, if nobody hears it. */
const UNHEARD_MAX = 64
const ROOMS_MAX = 50_000

export function createDelivery({
  bus,
  service,
  outgoing,
}: {
  bus: Pick<Bus, 'publish'>
  service: string
  outgoing: Pick<Outgoing, 'flush'>
}): Delivery {
  let batch = new Map<number, RoomBatch>()
  /** rooms whose last message was heard by this service alone */
  const unheard = new Set<number>()
  let gathered = new Map<number, RoomBatch>()
  let scheduled = false

  const publish = (room: number, { rights, chats }: RoomBatch) =>
    bus.publish({ t: 'chats', room, from: service, rights, chats }, (byOthers) => {
      if (byOthers) return unheard.delete(room)
      // Rooms that nobody here is in any more are among them.
      if (unheard.size >= ROOMS_MAX) unheard.clear()
      return unheard.add(room)
    })

  const publishGathered = () => {
    scheduled = false
    const sending = gathered
    gathered = new Map()
    for (const [room, chats] of sending) publish(room, chats)
  }

  const gather = (room: number, { rights, chats }: RoomBatch) => {
    const known = gathered.get(room)
    if (!known) gathered.set(room, { rights, chats })
    else {
      known.rights = Math.max(known.rights, rights)
      known.chats.push(...chats)
      if (known.chats.length >= UNHEARD_MAX) {
        gathered.delete(room)
        publish(room, known)
      }
    }
    // Real time, whatever clock the service keeps: this is about the bus.
    if (!scheduled) systemClock.after(UNHEARD_MS, publishGathered)
    scheduled = true
  }

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
      for (const [room, chats] of done) {
        // Also behind chats that wait: another service hears them in their order.
        if (unheard.has(room) || gathered.has(room)) gather(room, chats)
        else publish(room, chats)
      }
    },
    stop: publishGathered,
  }
}
