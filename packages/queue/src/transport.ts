import type { Envelope } from '@hansard/compliance-event'

/**
 * Carries envelopes from the relay to a worker, at least once and in any order.
 *
 * A transport is never the only copy of an event (the outbox is), and promises neither order nor uniqueness: whoever
 * consumes must not mind an envelope that comes late, early or again. An envelope whose handler fails is handled again
 * until it succeeds; others are not held up by it.
 */
export type Transport = {
  /** Resolves when the transport has them all. Rejects soon, with `QueueUnavailable`, when it cannot take them now. */
  send(envelopes: readonly Envelope[], options?: { signal?: AbortSignal }): Promise<void>
  consume(handler: EnvelopeHandler, options?: ConsumeOptions): Promise<Consumer>
  depth(): Promise<TransportDepth>
  /** What is wrong with what carries the envelopes, in sentences; nothing when all is well. Never rejects. */
  troubles(): Promise<readonly string[]>
  /** Stops every consumer, then lets go. */
  close(): Promise<void>
}

export type EnvelopeHandler = (envelope: Envelope) => Promise<void>

/** `concurrency`: envelopes handled at a time, 4 unless said otherwise. */
export type ConsumeOptions = { readonly concurrency?: number }

/** `stop` resolves when no handler is running; what was not handled stays in the transport. */
export type Consumer = { stop(): Promise<void> }

/** Envelopes. `waiting` counts those to be handled again later, `failed` those set aside for a person. */
export type TransportDepth = { readonly waiting: number; readonly active: number; readonly failed: number }

/** Transient: the transport cannot take envelopes now. Nothing is lost; the outbox still has every event. */
export class QueueUnavailable extends Error {
  override name = 'QueueUnavailable'
}

export const CONCURRENCY_DEFAULT = 4

/** Milliseconds before an envelope that failed `attempts` times is handled again: 0.2, 0.4, 0.8 … 10 seconds. */
export function retryDelayMs(attempts: number): number {
  return Math.min(100 * 2 ** Math.min(attempts, 20), 10_000)
}
