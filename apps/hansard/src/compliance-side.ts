import type { Clock } from '@hansard/clock'
import { type AdapterSetting, startComplianceWorker } from '@hansard/compliance-worker'
import { type Service, StopStack } from '@hansard/lifecycle'
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
}

/** Relay, inline queue and compliance worker: everything behind the outbox. */
export async function startComplianceSide(
  config: ComplianceSideConfig,
  { poolDb, complianceDb, clock, log }: { poolDb: Database; complianceDb: Database; clock: Clock; log: Log },
): Promise<Service> {
  const stack = new StopStack()
  const transport = openInlineTransport()
  stack.push(() => transport.close())
  const worker = await startComplianceWorker({
    complianceDb,
    transport,
    clock,
    log,
    config: { ...config, workerName: 'standard', tickMs: 250 },
  })
  stack.push(() => worker.stop())
  const relay = await startRelay({
    poolDb,
    complianceDb,
    transport,
    clock,
    log,
    config: { relayName: 'standard' },
  })
  stack.push(() => relay.stop())
  const stop = () => stack.stop()
  return { stop, [Symbol.asyncDispose]: stop }
}
