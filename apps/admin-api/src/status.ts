import type { PoolStatus, SealedInterval } from '@hansard/admin-contract'
import {
  aliveSources,
  lastReports,
  outboxDepth,
  readActiveServers,
  readPoolState,
  unrecordedParticipants,
} from '@hansard/pool-store'
import { databaseNow, isTransient, leaseHeld } from '@hansard/sql'
import { type AdapterProgress, readStatus } from '@hansard/staging'
import { alarmsOf, SOURCE_SILENT } from './alarms.ts'
import type { AdminApiDeps } from './deps.ts'
import { missingNumbers } from './missing-numbers.ts'
import { noticesOf } from './notices.ts'
import { AdminProblem } from './problems.ts'

/** Where every accepted event is now, and what an operator should do about it. */
export async function poolStatus({
  poolDb,
  complianceDb,
  clock,
  pool,
  version,
  runIntervalMs,
  queueDepth,
  queueTroubles,
}: Pick<
  AdminApiDeps,
  'poolDb' | 'complianceDb' | 'clock' | 'pool' | 'version' | 'runIntervalMs' | 'queueDepth' | 'queueTroubles'
>): Promise<PoolStatus> {
  // Every age below is one by the clock that all services share.
  const now = await databaseNow(poolDb, clock)
  const [outbox, staging, queue, troubles, state, active, reports, relayLeads, missing, unrecorded] = await Promise.all(
    [
      outboxDepth(poolDb),
      readStatus(complianceDb, { now, runIntervalMs }).catch(complianceAway),
      queueDepth(),
      queueTroubles?.() ?? [],
      readPoolState(poolDb),
      readActiveServers(poolDb),
      lastReports(poolDb),
      leaseHeld(poolDb, { name: 'relay', clock }),
      missingNumbers({ poolDb, complianceDb }, now).catch(complianceAway),
      unrecordedParticipants(poolDb),
    ],
  )
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
    oldestUnexportedAgeMs: oldest.length === 0 ? null : now - Math.min(...oldest),
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
    anchors: staging.anchors.map(({ name, kind, problem, lastDelivered }) => ({ name, kind, problem, lastDelivered })),
    notices: noticesOf(staging),
    alarms: alarmsOf(staging, {
      now,
      missing,
      unrecorded,
      outboxOldestAt: outbox.oldestAt,
      queue,
      queueTroubles: troubles,
      reports,
      relayLeads,
      shutOut: alive.length === 0 ? active : [],
    }),
  }
}

function complianceAway(error: unknown): never {
  if (!isTransient(error)) throw error
  throw new AdminProblem(
    'try-again',
    'The compliance database is unreachable or read-only.',
    'Restart it. Nothing is lost: events wait in the pool database.',
  )
}

function sealedInterval(adapter: string, last: AdapterProgress['lastSealed']): SealedInterval | null {
  if (!last) return null
  return { adapter, number: last.number, start: last.startsAt, end: last.endsAt, sealedAt: last.sealedAt }
}
