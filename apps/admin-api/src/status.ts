import type { PoolStatus } from '@hansard/admin-contract'
import { outboxDepth } from '@hansard/pool-store'
import { readStatus, type StagingStatus } from '@hansard/staging'
import type { AdminApiParts } from './parts.ts'

/** Older than this, and somebody should look. Milliseconds. */
const ROLL_CALL_STALE = 15_000
const SOURCE_SILENT = 15_000
const OUTBOX_STALE = 60_000
const SKEW_MAX = 5_000

/** Where everything that was accepted is right now, and what an operator should do about it. */
export async function poolStatus({
  poolDb,
  complianceDb,
  clock,
  pool,
  version,
  runIntervalMs,
  queueDepth,
}: Pick<
  AdminApiParts,
  'poolDb' | 'complianceDb' | 'clock' | 'pool' | 'version' | 'runIntervalMs' | 'queueDepth'
>): Promise<PoolStatus> {
  const now = clock.now()
  const [outbox, staging, queue] = await Promise.all([
    outboxDepth(poolDb),
    readStatus(complianceDb, { now, runIntervalMs }),
    queueDepth(),
  ])
  const oldest = [outbox.oldestAt, staging.oldestUnexportedAt].filter((at) => at !== null)
  return {
    pool,
    version,
    takenAt: now,
    sources: [...staging.sources],
    outbox,
    queue: queue ?? { waiting: 0, active: 0, failed: 0 },
    staged: { events: staging.staged.events },
    oldestUnexportedAgeMs: oldest.length === 0 ? null : Math.max(0, now - Math.min(...oldest)),
    openInterval: staging.openInterval && { start: staging.openInterval.startsAt, end: staging.openInterval.endsAt },
    quarantine: staging.quarantine,
    adapters: staging.adapters.map(({ name, problem, lastSealed }) => ({
      name,
      problem,
      lastSealed: lastSealed && {
        adapter: name,
        number: lastSealed.number,
        start: lastSealed.startsAt,
        end: lastSealed.endsAt,
        sealedAt: lastSealed.sealedAt,
      },
    })),
    alarms: alarmsOf(staging, { now, outboxOldestAt: outbox.oldestAt, queue }),
  }
}

/** Worst first: what threatens the record, then what delays it. */
function alarmsOf(
  staging: StagingStatus,
  { now, outboxOldestAt, queue }: { now: number; outboxOldestAt: number | null; queue: { failed: number } | undefined },
): string[] {
  const alarms: string[] = []
  const seconds = (ms: number) => `${Math.round(ms / 1_000)} s`
  if (staging.quarantine.count > 0) {
    alarms.push(
      `${staging.quarantine.count} events are in quarantine and in no export. See \`hansard quarantine list\`.`,
    )
  }
  for (const { name, problem } of staging.adapters) if (problem !== null) alarms.push(`Adapter ${name}: ${problem}`)
  for (const source of staging.sources) {
    const name = `${source.source}/${source.epoch}`
    if (source.holding) {
      const silent =
        source.state === 'alive' ? `has been silent for ${seconds(source.silentForMs)}` : 'is not staged to its end'
      alarms.push(
        `Source ${name} ${silent} and holds the interval open. Bring it back, or \`hansard sources declare-dead ${source.source}\`.`,
      )
    } else if (source.state === 'alive' && source.silentForMs > SOURCE_SILENT) {
      alarms.push(`Source ${name} has been silent for ${seconds(source.silentForMs)}.`)
    }
    if (source.reportedAt - now > SKEW_MAX) {
      alarms.push(`The clock of source ${name} is ${seconds(source.reportedAt - now)} ahead of this server's.`)
    }
  }
  const rollCallAge = staging.rollCallTakenAt === null ? undefined : now - staging.rollCallTakenAt
  if (rollCallAge === undefined)
    alarms.push('No roll call has reached the compliance database yet. Is a relay running?')
  else if (rollCallAge > ROLL_CALL_STALE) {
    alarms.push(`The last roll call is ${seconds(rollCallAge)} old. Are a relay, the queue and a worker running?`)
  }
  if (outboxOldestAt !== null && now - outboxOldestAt > OUTBOX_STALE) {
    alarms.push(`The oldest event in the outbox is ${seconds(now - outboxOldestAt)} old: events are not being staged.`)
  }
  if (staging.exporter === null && rollCallAge !== undefined)
    alarms.push('No compliance worker holds the exporter’s lease.')
  if (queue === undefined) alarms.push('The queue cannot be reached. Nothing is lost; events wait in the outbox.')
  else if (queue.failed > 0) alarms.push(`${queue.failed} envelopes were set aside by the queue.`)
  return alarms
}
