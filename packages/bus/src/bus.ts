import type { BusMessage, PoolMessage, RoomMessage } from './messages.ts'

/** Unsubscribes. Idempotent. */
type Unsubscribe = () => Promise<void>

/**
 * Carries hints between the services of a pool.
 *
 * A publisher receives its own messages too. Handlers run later, never inside `publish`, one message at a time and in
 * the order in which one publisher sent them.
 */
export type Bus = {
  /**
   * Never throws and never waits. A message that cannot be sent now is dropped. `heard` is called later and says
   * whether other services subscribe to the room or the pool, or may do so. It is not called when the message was
   * dropped, nor by a bus within one process, where a message costs next to nothing.
   */
  publish(message: BusMessage, heard?: (byOthers: boolean) => void): void
  /** Resolves once messages arrive. While Redis is away it resolves at once, and messages arrive when Redis is back. */
  subscribeRoom(room: number, handler: (message: RoomMessage) => void): Promise<Unsubscribe>
  subscribePool(handler: (message: PoolMessage) => void): Promise<Unsubscribe>
  /** Called when messages may have been missed and arrive again: time to compare with the record. */
  onReconnected(callback: () => void): void
  close(): Promise<void>
}
