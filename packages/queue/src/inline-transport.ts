import { type Clock, systemClock, type Timer } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import { type Log, silentLog } from '@hansard/log'
import {
  CONCURRENCY_DEFAULT,
  type Consumer,
  type EnvelopeHandler,
  QueueUnavailable,
  retryDelayMs,
  type Transport,
} from './transport.ts'

type Held = { readonly envelope: Envelope; attempts: number }

/**
 * A transport within one process, for a pool without Redis.
 *
 * It holds at most `capacity` envelopes, including those being handled and those to be retried; `send` waits while it
 * is full. What it holds is lost when the process ends: the outbox still has it.
 */
export function openInlineTransport({
  capacity = 64,
  clock = systemClock,
  log = silentLog,
}: {
  capacity?: number
  clock?: Clock
  log?: Log
} = {}): Transport {
  const waiting: Held[] = []
  const later = new Map<Held, Timer>()
  const consumers = new Set<Consumer>()
  let active = 0
  let closed = false
  /** Wakes one consumer's slot, or one sender, when there may be work for it. */
  const slots = createWaiters()
  const senders = createWaiters()

  const held = () => waiting.length + later.size + active

  const handleAgainLater = (entry: Held) => {
    entry.attempts += 1
    const timer = clock.after(retryDelayMs(entry.attempts), () => {
      later.delete(entry)
      waiting.push(entry)
      slots.wakeOne()
    })
    later.set(entry, timer)
  }

  const runSlot = async (handler: EnvelopeHandler, stopping: AbortSignal) => {
    while (!stopping.aborted) {
      const entry = waiting.shift()
      if (!entry) {
        await slots.wait(stopping)
        continue
      }
      active += 1
      const handled = await handler(entry.envelope).then(
        () => true,
        (error: unknown) => {
          log.warn({ err: error, attempts: entry.attempts + 1 }, 'an envelope is tried again')
          return false
        },
      )
      active -= 1
      if (!handled && !closed) handleAgainLater(entry)
      if (handled) senders.wakeOne()
    }
    // A wake-up that arrived as this slot was ending belongs to another slot.
    if (waiting.length > 0) slots.wakeOne()
  }

  return {
    async send(envelopes, { signal } = {}) {
      for (const envelope of envelopes) {
        while (!closed && !signal?.aborted && held() >= capacity) await senders.wait(signal)
        if (closed) throw new QueueUnavailable('The inline transport is closed.')
        if (signal?.aborted) throw new QueueUnavailable('Sending was given up while the inline transport was full.')
        waiting.push({ envelope, attempts: 0 })
        slots.wakeOne()
      }
    },
    async consume(handler, { concurrency = CONCURRENCY_DEFAULT } = {}) {
      const stopping = new AbortController()
      const running = Promise.all(Array.from({ length: concurrency }, () => runSlot(handler, stopping.signal)))
      const consumer: Consumer = {
        async stop() {
          consumers.delete(consumer)
          stopping.abort()
          await running
        },
      }
      consumers.add(consumer)
      return consumer
    },
    troubles: async () => [],
    async depth() {
      return { waiting: waiting.length + later.size, active, failed: 0 }
    },
    async close() {
      closed = true
      senders.wakeAll()
      await Promise.all([...consumers].map((consumer) => consumer.stop()))
      for (const timer of later.values()) timer.cancel()
      later.clear()
      waiting.length = 0
    },
  }
}

/** Waiters in line. A wake-up without a waiter is dropped: callers check the state before they wait. */
function createWaiters() {
  const line: (() => void)[] = []
  return {
    wait(signal?: AbortSignal): Promise<void> {
      return new Promise((resolve) => {
        if (signal?.aborted) return resolve()
        const wake = () => {
          signal?.removeEventListener('abort', onAbort)
          resolve()
        }
        const onAbort = () => {
          const place = line.indexOf(wake)
          if (place !== -1) line.splice(place, 1)
          resolve()
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        line.push(wake)
      })
    },
    wakeOne: () => line.shift()?.(),
    wakeAll: () => {
      for (const wake of line.splice(0)) wake()
    },
  }
}
