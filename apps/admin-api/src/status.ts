import type { PoolStatus, SealedInterval } from '@hansard/admin-contract'
import { aliveSources, outboxDepth, readActiveServers, readPoolState } from '@hansard/pool-store'
import { type AdapterProgress, readStatus } from '@hansard/staging'
import { alarmsOf, SOURCE_SILENT } from './alarms.ts'
import type { AdminApiDeps } from './deps.ts'

/** Where every accepted event is now, and what an operator should do about it. */
export async function poolStatus({
  poolDb,
  complianceDb,
  clock,
  pool,
  version,
  runIntervalMs,
  queueDepth,
}: Pick<
  AdminApiDeps,
  'poolDb' | 'complianceDb' | 'clock' | 'pool' | 'version' | 'runIntervalMs' | 'queueDepth'
>): Promise<PoolStatus> {
  const now = clock.now()
  const [outbox, staging, queue, state, active] = await Promise.all([
    outboxDepth(poolDb),
    readStatus(complianceDb, { now, runIntervalMs }),
    queueDepth(),
    readPoolState(poolDb),
    readActiveServers(poolDb),
  ])
  const alive = await aliveSources(poolDb, active, now - SOURCE_SILENT)
  const oldest = [outbox.oldestAt, staging.oldestUnexportedAt].filter((at) => at !== null)
  return {
    pool,
    state,
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
      lastSealed: sealedInterval(name, lastSealed),
    })),
    endedAdapters: staging.endedAdapters.map(({ name, lastSealed }) => ({
      name,
      lastSealed: sealedInterval(name, lastSealed),
    })),
    alarms: alarmsOf(staging, {
      now,
      outboxOldestAt: outbox.oldestAt,
      queue,
      shutOut: alive.length === 0 ? active : [],
    }),
  }
}

function sealedInterval(adapter: string, last: AdapterProgress['lastSealed']): SealedInterval | null {
  if (!last) return null
  return { adapter, number: last.number, start: last.startsAt, end: last.endsAt, sealedAt: last.sealedAt }
}
