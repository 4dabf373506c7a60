import { type Log, silentLog } from '@hansard/log'
import type { Bus } from './bus.ts'
import { type BusMessage, isRoomMessage, type PoolMessage, type RoomMessage } from './messages.ts'
import { createSubscriptions } from './subscriptions.ts'

const POOL = 'pool'

/** A bus within one process: it loses nothing and never reconnects. */
export function openInlineBus({ log = silentLog }: { log?: Log } = {}): Bus {
  const subscriptions = createSubscriptions<BusMessage>(log)
  let closed = false

  const subscribe = async (channel: string, handler: (message: BusMessage) => void) => {
    const remove = subscriptions.add(channel, handler)
    return async () => void remove()
  }

  return {
    publish(message) {
      if (closed) return
      const channel = isRoomMessage(message) ? `room:${message.room}` : POOL
      queueMicrotask(() => subscriptions.deliver(channel, message))
    },
    subscribeRoom: (room, handler) => subscribe(`room:${room}`, (message) => handler(message as RoomMessage)),
    subscribePool: (handler) => subscribe(POOL, (message) => handler(message as PoolMessage)),
    onReconnected() {},
    async close() {
      closed = true
      subscriptions.clear()
    },
  }
}
