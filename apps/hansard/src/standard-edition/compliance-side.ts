import type { Clock } from '@hansard/clock'
import {
  type AdapterSetting,
  type AnchorSetting,
  type SigningKeySource,
  startComplianceWorker,
} from '@hansard/compliance-worker'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { openInlineTransport } from '@hansard/queue'
import { startRelay } from '@hansard/relay'
import type { Database } from '@hansard/sql'

/** What the compliance side of a Standard Edition pool is told. Plain data: it crosses into a thread. */
export type ComplianceSideConfig = {
  readonly pool: string
  readonly runIntervalMs: number
  readonly outputDirectory: string
  readonly adapters: readonly AdapterSetting[]
  readonly complianceFileStore: string
  readonly signingKey: SigningKeySource
  readonly anchors: readonly AnchorSetting[]
}

export type QueueDepth = { readonly waiting: number; readonly active: number; readonly failed: number }
export type ComplianceSide = Service & { queueDepth(): QueueDepth | undefined }

const DEPTH_MS = 500

/** Relay, inline queue and compliance worker: everything behind the outbox. */
export async function startComplianceSide(
  config: ComplianceSideConfig,
  { poolDb, complianceDb, clock, log }: { poolDb: Database; complianceDb: Database; clock: Clock; log: Log },
): Promise<ComplianceSide> {
  const stack = new AsyncDisposableStack()
  const transport = openInlineTransport()
  stack.defer(() => transport.close())
  const worker = await startComplianceWorker({
    complianceDb,
    transport,
    clock,
    log,
    config: { ...config, workerName: 'standard', tickMs: 250 },
  })
  stack.defer(() => worker.stop())
  const relay = await startRelay({
    poolDb,
    complianceDb,
    transport,
    clock,
    log,
    config: { relayName: 'standard' },
  })
  stack.defer(() => relay.stop())
  let depth: QueueDepth = await transport.depth()
  const watch = startLoop({
    clock,
    everyMs: DEPTH_MS,
    async turn() {
      depth = await transport.depth()
    },
    onError: (error) => log.warn({ err: error }, 'the queue could not be looked at'),
  })
  stack.defer(() => watch.stop())
  const stop = stopOnce(stack)
  return { queueDepth: () => depth, stop, [Symbol.asyncDispose]: stop }
}
