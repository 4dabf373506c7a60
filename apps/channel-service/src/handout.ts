import type { Bus } from '@hansard/bus'
import type { Outgoing } from './frames.ts'
import type { RoomHub } from './room-hub.ts'

/** Hands committed chats to this service's members and, once a batch, to the other services. */
export type Handout = { chat(hub: RoomHub, id: number, frame: string): void; endOfBatch(): void }

export function createHandout({ bus, service, outgoing }: { bus: Bus; service: string; outgoing: Outgoing }): Handout {
  let batch = new Map<number, { id: number; frame: string }[]>()
  return {
    chat(hub, id, frame) {
      hub.deliver(id, frame)
      const chats = batch.get(hub.id)
      if (chats) chats.push({ id, frame })
      else batch.set(hub.id, [{ id, frame }])
    },
    endOfBatch() {
      outgoing.flush()
      const done = batch
      batch = new Map()
      for (const [room, chats] of done) bus.publish({ t: 'chats', room, from: service, chats })
    },
  }
}
