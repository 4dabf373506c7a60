import type { SourceProgress, SourceReport } from '@hansard/compliance-event'
import { genesisHead } from '@hansard/compliance-event'
import type { Database, Knex } from '@hansard/sql'
import { type KnownSource, noteForkedHeads, noteLosses, noteWentBack } from './set-back.ts'
import { byIdentity, keyOfSource, type SourceIdentity } from './source-identity.ts'

/**
 * Records a source progress (the pool database's report on its sources).
 *
 * Reports arrive late, repeatedly and in any order, but a source's report only grows: numbers and stamps rise, and an
 * ended source does not come back. The greatest value seen is therefore the newest, and the order does not matter.
 */
export async function recordSourceProgress(
  db: Database,
  rollCall: SourceProgress,
  /** the time by the clock of the database */
  { now }: { now?: number } = {},
): Promise<void> {
  await noteWentBack(db, rollCall)
  const known = await knownSources(db, rollCall.sources)
  const changed = newerThanKnown(known, rollCall.sources)
  await db.knex.transaction(async (tx) => {
    for (let from = 0; from < changed.length; from += BATCH) await putReports(tx, changed.slice(from, from + BATCH))
    // One of the future was taken by a clock that was wrong: it would count as newer than all later ones.
    await tx('roll_call')
      .where({ id: 1 })
      .andWhere((older) => {
        older.where('taken_at', '<', rollCall.takenAt)
        if (now !== undefined) older.orWhere('taken_at', '>', now + FUTURE_MS)
      })
      .update({ taken_at: rollCall.takenAt })
  })
  await noteForkedHeads(db, known, rollCall.sources)
  await noteLosses(db, rollCall)
}

async function putReports(tx: Knex.Transaction, reports: readonly SourceReport[]): Promise<void> {
  const rows = reports.map(() => '(?, ?, ?, ?, ?, ?, ?, ?, 0, ?, 0, 0, ?, 0)').join(', ')
  await tx.raw(
    `insert into source as s (name, epoch, incarnation, state, started_at, last_seq, head, reported_at, staged_through,
       staged_head, last_stamp, cut_seq, cut_head, finished)
     values ${rows}
     on conflict (name, epoch, incarnation) do update set
       state = case when s.state = 'alive' then excluded.state else s.state end,
       started_at = case when s.reported_at = 0 then excluded.started_at else s.started_at end,
       head = case when excluded.last_seq >= s.last_seq then excluded.head else s.head end,
       last_seq = case when excluded.last_seq >= s.last_seq then excluded.last_seq else s.last_seq end,
       reported_at = case when excluded.reported_at > s.reported_at then excluded.reported_at else s.reported_at end`,
    reports.flatMap(({ source, epoch, incarnation = '', state, startedAt, lastSeq, head, reportedAt }) => {
      const genesis = genesisHead(source, epoch, incarnation)
      return [source, epoch, incarnation, state, startedAt, lastSeq, head, reportedAt, genesis, genesis]
    }),
  )
}

/** The clocks of the two databases may differ by this much; milliseconds. */
const FUTURE_MS = 60_000

/** reports per statement, on both dialects */
const BATCH = 400

/** The time of the newest source progress known here; 0 before the first. */
export async function rollCallTakenAt(db: Database): Promise<number> {
  const row: { taken_at: number } = await db.knex('roll_call').where({ id: 1 }).first('taken_at')
  return row.taken_at
}

/**
 * Most entries of a source progress repeat the previous ones and need not be written. In a fixed order, for the
 * locks.
 */
function newerThanKnown(known: ReadonlyMap<string, KnownSource>, reports: readonly SourceReport[]): SourceReport[] {
  return reports
    .filter((report) => {
      const row = known.get(keyOfSource(report))
      if (!row || row.reported_at === 0) return true
      if (row.state === 'alive' && report.state !== 'alive') return true
      return report.lastSeq > row.last_seq || report.reportedAt > row.reported_at
    })
    .toSorted(byIdentity)
}

/** By `keyOfSource`, before these reports. */
async function knownSources(db: Database, reports: readonly SourceReport[]): Promise<Map<string, KnownSource>> {
  const rows: KnownSource[] = await db
    .knex('source')
    .whereIn('name', [...new Set(reports.map((report) => report.source))])
    .select('id', 'name', 'epoch', 'incarnation', 'state', 'last_seq', 'reported_at')
    .select('staged_through', 'staged_head', 'fork_seq')
  return new Map(rows.map((row) => [keyOfSource({ ...row, source: row.name }), row]))
}

/**
 * By `keyOfSource`: the number up to which the compliance database has every event of the source, staged or
 * quarantined. The outbox rows up to it may be deleted.
 */
export async function stagedThrough(db: Database): Promise<Map<string, number>> {
  const rows: { source: string; epoch: number; incarnation: string; staged_through: number }[] = await db
    .knex('source')
    .where('finished', 0)
    .select('name as source', 'epoch', 'incarnation', 'staged_through')
  return new Map(rows.map((row) => [keyOfSource(row), row.staged_through]))
}

/** Sources that ended and whose events are all staged: the pool may omit them from its reports. */
export async function finishedSources(db: Database): Promise<Required<SourceIdentity>[]> {
  return db
    .knex('source')
    .whereNot('state', 'alive')
    .andWhere('reported_at', '>', 0)
    .andWhereRaw('(staged_through >= last_seq or fork_seq > 0)')
    .select('name as source', 'epoch', 'incarnation')
    .orderBy(['name', 'epoch', 'incarnation'])
}
