import type { BusMessage, PoolMessage, RoomMessage } from './messages.ts'

/** Stops hearing. Twice is fine. */
type Unsubscribe = () => Promise<void>

/**
 * Carries hints between the services of a pool.
 *
 * A publisher hears its own messages too. Handlers run later, never inside `publish`, one message at a time and in
 * the order one publisher sent them.
 */
export type Bus = {
  /** Never throws and never waits. What cannot be sent now is dropped. */
  publish(message: BusMessage): void
  /** Resolves once messages are heard. While Redis is away it resolves at once, and hearing begins when it is back. */
  subscribeRoom(room: number, handler: (message: RoomMessage) => void): Promise<Unsubscribe>
  subscribePool(handler: (message: PoolMessage) => void): Promise<Unsubscribe>
  /** Called when messages may have been missed and hearing has begun again: time to compare with the record. */
  onReconnected(callback: () => void): void
  close(): Promise<void>
}
