import { backoffMs } from '@hansard/backoff'
import type { Envelope } from '@hansard/compliance-event'

/**
 * Carries envelopes from the relay to a worker: at-least-once delivery, in any order.
 *
 * A transport is never the only copy of an event (the outbox is) and promises neither order nor uniqueness: the
 * consumer must tolerate an envelope that arrives late, early or again. An envelope whose handler fails is retried
 * until it succeeds, and does not hold up others.
 */
export type Transport = {
  /**
   * Resolves when the transport has accepted all of them. Rejects soon, with `QueueUnavailable`, when it cannot
   * accept them now.
   */
  send(envelopes: readonly Envelope[], options?: { signal?: AbortSignal }): Promise<void>
  consume(handler: EnvelopeHandler, options?: ConsumeOptions): Promise<Consumer>
  depth(): Promise<TransportDepth>
  /** What is wrong with what carries the envelopes, in sentences; nothing when all is well. Never rejects. */
  troubles(): Promise<readonly string[]>
  /** Stops every consumer, then closes. */
  close(): Promise<void>
}

export type EnvelopeHandler = (envelope: Envelope) => Promise<void>

/** `concurrency`: envelopes handled at a time, 4 by default. */
type ConsumeOptions = { readonly concurrency?: number }

/** `stop` resolves when no handler is running; unhandled envelopes stay in the transport. */
export type Consumer = { stop(): Promise<void> }

/** Counts of envelopes. `waiting` includes those to be retried later; `failed` are those set aside for a person. */
type TransportDepth = { readonly waiting: number; readonly active: number; readonly failed: number }

/** Transient: the transport cannot accept envelopes now. Nothing is lost; the outbox still has every event. */
export class QueueUnavailable extends Error {
  override name = 'QueueUnavailable'
}

export const CONCURRENCY_DEFAULT = 4

/** Milliseconds before an envelope that failed `attempts` times is retried: up to 0.2, 0.4, 0.8 … 10 seconds. */
export function retryDelayMs(attempts: number): number {
  return backoffMs(attempts, { delayMs: 100, delayMaxMs: 10_000 })
}
