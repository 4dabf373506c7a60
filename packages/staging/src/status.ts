import type { SourceState } from '@hansard/compliance-event'
import type { Interval } from '@hansard/conversation'
import type { Database } from '@hansard/sql'
import { type AnchorState, readAnchors } from './anchors.ts'
import { auditCheck } from './audit-check.ts'
import type { Holding } from './close-decision.ts'
import { configuredRunInterval } from './compliance-configurations.ts'
import { EXPORTER_LEASE } from './exporter-lease.ts'
import { incompleteExports } from './exports.ts'
import { type DamagedFile, damagedFiles } from './file-check.ts'
import { readForks, type StagedFork } from './forks.ts'
import { intervalReadiness, openInterval } from './intervals.ts'
import { UNSEALED } from './migrations/exports.ts'
import { oneNumber } from './one-number.ts'
import { type PoolSealingState, poolSealingState } from './pool-sealing-state.ts'
import { countQuarantined } from './quarantine.ts'
import { readSetBacks, type SetBack } from './set-back.ts'
import { keyOfSource } from './source-identity.ts'

const DAMAGED_SHOWN = 5
const INCOMPLETE_SHOWN = 5
/** An export that was sealed as incomplete stays so; for a week it is an alarm. */
const INCOMPLETE_SHOWN_MS = 7 * 24 * 3_600_000

/** parked events are counted up to this number */
const PARKED_MAX = 10_000

/** The state of the compliance side, from the compliance database. */
export type StagingStatus = {
  readonly sources: readonly SourceStanding[]
  readonly rollCallTakenAt: number | null
  readonly staged: { readonly events: number; readonly parked: number }
  readonly openInterval: Interval | null
  /** The end of the open interval has passed, and these sources hold it open. */
  readonly holding: readonly Holding[]
  readonly oldestUnexportedAt: number | null
  readonly quarantine: { readonly count: number }
  readonly forks: readonly StagedFork[]
  readonly setBacks: readonly SetBack[]
  /** sealed files that are not on disk as they were sealed */
  readonly damagedFiles: { readonly count: number; readonly files: readonly DamagedFile[] }
  /** exports of the last week that do not show everything they count */
  readonly incompleteExports: Awaited<ReturnType<typeof incompleteExports>>
  readonly poolSealing: PoolSealingState
  /** what the last check of the audit trail's chain found; null: nothing, or there was none yet */
  readonly auditProblem: string | null
  readonly adapters: readonly AdapterProgress[]
  /** adapters that were removed: nothing has been added to their series since */
  readonly endedAdapters: readonly Pick<AdapterProgress, 'name' | 'lastSealed'>[]
  readonly anchors: readonly AnchorStanding[]
  readonly exporter: { readonly holder: string; readonly expiresAt: number } | null
}

/** `overdue`: it has failed for longer than an interval. */
type AnchorStanding = AnchorState & { readonly overdue: boolean }

type SourceStanding = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  readonly state: SourceState
  readonly lastSeq: number
  readonly stagedThrough: number
  readonly reportedAt: number
  /** negative: it reported a time that has not come, by a clock that is ahead */
  readonly silentForMs: number
  readonly holding: boolean
}

export type AdapterProgress = {
  readonly name: string
  readonly problem: string | null
  readonly problemSince: number | null
  /** exports not sealed: planned or still to be planned */
  readonly waiting: number
  readonly lastSealed: { number: number; startsAt: number; endsAt: number; sealedAt: number } | null
}

/**
 * `runIntervalMs` applies where none is configured. Read-only. Finished sources are omitted: their events are in
 * closed intervals.
 */
export async function readStatus(
  db: Database,
  { now, runIntervalMs }: { now: number; runIntervalMs: number },
): Promise<StagingStatus> {
  const intervalMs = (await configuredRunInterval(db)) ?? runIntervalMs
  const open = await openInterval(db, { runIntervalMs: intervalMs })
  const decision = open && open.endsAt <= now ? await intervalReadiness(db, open) : undefined
  const holding = decision && !decision.close ? decision.holding : []
  const rollCall = await db.knex('roll_call').where({ id: 1 }).first('taken_at')
  const exporter = await db.knex('lease').where({ name: EXPORTER_LEASE }).first('holder', 'expires_at')
  const sources = await sourceRows(db)
  // Every number that counts as staged, minus the quarantined ones: this reads no table of millions of rows.
  const numbered = (await oneNumber(db.knex('source').sum('staged_through'))) ?? 0
  const inQuarantine =
    (await oneNumber(db.knex('quarantined_event').where({ state: 'waiting', counted: 1 }).count())) ?? 0
  return {
    sources: sources.map((row) => ({
      ...row,
      // Events of a source may be staged before the first source progress that includes it.
      silentForMs: row.reportedAt === 0 ? 0 : now - row.reportedAt,
      holding: holding.some((held) => keyOfSource(held) === keyOfSource(row)),
    })),
    rollCallTakenAt: rollCall?.taken_at || null,
    staged: {
      events: numbered - inQuarantine - (await numbersInGaps(db)),
      // Relays may have sent far ahead: bounded by PARKED_MAX.
      parked:
        (await oneNumber(db.knex(db.knex('parked_event').select('seq').limit(PARKED_MAX).as('parked')).count())) ?? 0,
    },
    openInterval: open ? { startsAt: open.startsAt, endsAt: open.endsAt } : null,
    holding,
    oldestUnexportedAt: await oldestUnexportedAt(db),
    quarantine: { count: await countQuarantined(db) },
    forks: await readForks(db),
    setBacks: await readSetBacks(db),
    damagedFiles: await damagedFiles(db, { limit: DAMAGED_SHOWN }),
    incompleteExports: await incompleteExports(db, { since: now - INCOMPLETE_SHOWN_MS, limit: INCOMPLETE_SHOWN }),
    poolSealing: await poolSealingState(db),
    auditProblem: (await auditCheck(db))?.problem?.message ?? null,
    adapters: await adapterRows(db),
    endedAdapters: await endedAdapters(db),
    anchors: (await readAnchors(db)).map((anchor) => ({
      ...anchor,
      overdue: anchor.problemSince !== null && now - anchor.problemSince > intervalMs,
    })),
    exporter:
      exporter && exporter.expires_at > now ? { holder: exporter.holder, expiresAt: exporter.expires_at } : null,
  }
}

/** Numbers that count as staged, were accepted as a gap and have not arrived since. */
async function numbersInGaps(db: Database): Promise<number> {
  const accepted = () => db.knex('accepted_gap as g').where('g.state', 'accepted')
  const numbers = await oneNumber(accepted().select(db.knex.raw('sum(g.to_seq - g.from_seq + 1)')))
  const arrived = await oneNumber(
    accepted()
      .join('staged_event as e', 'e.source_id', 'g.source_id')
      .whereRaw('e.seq between g.from_seq and g.to_seq')
      .count(),
  )
  return (numbers ?? 0) - (arrived ?? 0)
}

async function sourceRows(db: Database): Promise<Omit<SourceStanding, 'silentForMs' | 'holding'>[]> {
  return db
    .knex('source')
    .where('finished', 0)
    .orderBy(['name', 'epoch', 'incarnation'])
    .select(
      'name as source',
      'epoch',
      'incarnation',
      'state',
      'last_seq as lastSeq',
      'staged_through as stagedThrough',
      'reported_at as reportedAt',
    )
}

/**
 * The stamp of the oldest staged event that some adapter has not sealed: the start of the oldest unsealed export with
 * events, or the first event of the open interval.
 */
async function oldestUnexportedAt(db: Database): Promise<number | null> {
  const unsealed = await oneNumber(
    db
      .knex('export')
      .whereRaw(UNSEALED)
      .whereIn('adapter', db.knex('adapter_state').where({ active: 1 }).select('adapter'))
      .andWhere((some) => some.where('events', '>', 0).orWhere('state', 'planning'))
      .min('starts_at'),
  )
  const sources: { id: number; cut_seq: number }[] = await db
    .knex('source')
    .whereRaw('staged_through > cut_seq')
    .select('id', 'cut_seq')
  const firsts = await Promise.all(
    sources.map(({ id, cut_seq }) =>
      db.knex('staged_event').where({ source_id: id }).andWhere('seq', '>', cut_seq).orderBy('seq').first('at'),
    ),
  )
  const stamps = [unsealed, ...firsts.map((row) => row?.at)].filter((at) => at !== null && at !== undefined)
  return stamps.length === 0 ? null : Math.min(...stamps)
}

async function adapterRows(db: Database): Promise<AdapterProgress[]> {
  const closed = (await oneNumber(db.knex('closed_interval').max('number'))) ?? 0
  const states: { adapter: string; problem: string | null; problem_since: number | null; exported_through: number }[] =
    await db.knex('adapter_state').where({ active: 1 }).orderBy('adapter')
  return Promise.all(
    states.map(async (state) => {
      const unsealed = await oneNumber(db.knex('export').where({ adapter: state.adapter }).whereRaw(UNSEALED).count())
      return {
        name: state.adapter,
        problem: state.problem,
        problemSince: state.problem_since,
        waiting: (unsealed ?? 0) + Math.max(0, closed - state.exported_through),
        lastSealed: await lastSealedOf(db, state.adapter),
      }
    }),
  )
}

async function endedAdapters(db: Database): Promise<StagingStatus['endedAdapters']> {
  const ended: { adapter: string }[] = await db.knex('adapter_state').where({ active: 0 }).orderBy('adapter')
  return Promise.all(ended.map(async ({ adapter }) => ({ name: adapter, lastSealed: await lastSealedOf(db, adapter) })))
}

async function lastSealedOf(db: Database, adapter: string): Promise<AdapterProgress['lastSealed']> {
  const sealed = await db
    .knex('export')
    .where({ adapter, state: 'sealed' })
    .orderBy('number', 'desc')
    .first('number', 'starts_at', 'ends_at', 'sealed_at')
  if (!sealed) return null
  return { number: sealed.number, startsAt: sealed.starts_at, endsAt: sealed.ends_at, sealedAt: sealed.sealed_at }
}
