import { alignDown, type Interval, nextBoundary } from '@hansard/conversation'
import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import { gapsOfSource, outsideGaps } from './accepted-gaps.ts'
import { type CloseDecision, decideClose, type SourceStanding } from './close-decision.ts'
import { notRunningColumn, readNotRunning } from './not-running.ts'
import { oneNumber } from './one-number.ts'
import { CLOSING_LOCK } from './stage-rules.ts'

/** Intervals are numbered 1, 2, 3 …; each starts where the previous one ended. */
type NumberedInterval = Interval & { readonly number: number }

/**
 * The open interval: from the end of the last closed one (or the boundary before the first source started) to the
 * next multiple of the run interval, or to `cutAt` if an earlier seal was requested. Undefined until a source is
 * known.
 */
export async function openInterval(
  db: Database,
  { runIntervalMs, cutAt }: { runIntervalMs: number; cutAt?: number | undefined },
): Promise<NumberedInterval | undefined> {
  const last: { number: number; ends_at: number } | undefined = await db
    .knex('closed_interval')
    .orderBy('number', 'desc')
    .first('number', 'ends_at')
  let startsAt = last?.ends_at
  if (startsAt === undefined) {
    const firstStart = await oneNumber(db.knex('source').where('reported_at', '>', 0).min('started_at'))
    if (firstStart === undefined) return undefined
    startsAt = alignDown(firstStart, runIntervalMs)
  }
  const boundary = nextBoundary(startsAt, runIntervalMs)
  const endsAt = cutAt !== undefined && cutAt > startsAt && cutAt < boundary ? cutAt : boundary
  return { number: (last?.number ?? 0) + 1, startsAt, endsAt }
}

/** The closed interval that contains the moment just before `at`: the first that ends at `at` or later. */
export async function closedIntervalFor(db: Database, at: number): Promise<NumberedInterval | undefined> {
  const row: { number: number; starts_at: number; ends_at: number } | undefined = await db
    .knex('closed_interval')
    .where('ends_at', '>=', at)
    .orderBy('ends_at')
    .first('number', 'starts_at', 'ends_at')
  return row && { number: row.number, startsAt: row.starts_at, endsAt: row.ends_at }
}

/** The number of the newest closed interval; 0 before the first. */
export async function closedThrough(db: Database): Promise<number> {
  return (await oneNumber(db.knex('closed_interval').max('number'))) ?? 0
}

/** Whether the interval could close now, and if not, which sources hold it open. Read-only. */
export async function intervalReadiness(db: Database, interval: Interval): Promise<CloseDecision> {
  return decideClose(interval, await readAdapterProgress(db.knex))
}

/**
 * Closes an interval for all adapters: decides, and records for every source which of its numbers belong to it. From
 * then on, an event that arrives with a stamp in the interval is late.
 *
 * Staging is locked out meanwhile, so the decision and the record are about the same events.
 */
export async function closeInterval(
  db: Database,
  lease: Lease,
  { interval, now }: { interval: NumberedInterval; now: number },
): Promise<CloseDecision> {
  // Decides without the lock first: while a source holds the interval open, staging need not wait for the decision.
  const outlook = await intervalReadiness(db, interval)
  if (!outlook.close) return outlook
  return underLease(db, lease, async (tx) => {
    if (db.dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock(${CLOSING_LOCK})`)
    const decision = decideClose(interval, await readAdapterProgress(tx))
    if (!decision.close) return decision
    await tx('closed_interval').insert({
      number: interval.number,
      starts_at: interval.startsAt,
      ends_at: interval.endsAt,
      closed_at: now,
      ...notRunningColumn(await readNotRunning(tx, interval)),
    })
    const sources: SourceRow[] = await tx('source').where('finished', 0).orderBy('id')
    for (const source of sources) await cutSource(tx, source, interval)
    return decision
  })
}

type SourceRow = {
  id: number
  state: string
  started_at: number
  last_seq: number
  reported_at: number
  staged_through: number
  staged_head: string
  last_stamp: number
  cut_seq: number
  cut_head: string
  fork_seq: number
}

async function cutSource(tx: Knex.Transaction, source: SourceRow, interval: NumberedInterval): Promise<void> {
  const gaps = await gapsOfSource(tx, source.id)
  const cut = await cutOf(tx, source, gaps, interval.endsAt)
  // Omits sources that start later. A source that has ever numbered an event is listed until it has ended.
  if (source.started_at >= interval.endsAt && cut.seq === 0) return
  // Late events are the source's first ones: their stamps are before the interval, and stamps never fall.
  const lateOnes = tx('staged_event')
    .where({ late_in: interval.number, source_id: source.id })
    .andWhere('seq', '>', source.cut_seq)
    .andWhereRaw('late_in > 0')
  const late = await outsideGaps(lateOnes, gaps).orderBy('seq', 'desc').first('seq', 'head')
  const complete = source.staged_through >= source.last_seq || source.fork_seq > 0
  const ended = source.state !== 'alive' && complete
  await tx('closed_interval_source').insert({
    interval_number: interval.number,
    source_id: source.id,
    state: source.state,
    after_seq: late?.seq ?? source.cut_seq,
    head_after: late?.head ?? source.cut_head,
    through_seq: cut.seq,
    head_through: cut.head,
  })
  await tx('source')
    .where({ id: source.id })
    .update({ cut_seq: cut.seq, cut_head: cut.head, finished: ended && cut.seq === source.staged_through ? 1 : 0 })
}

/** The last number stamped before `endsAt`. A quarantined number counts with its successor, and so does a gap. */
async function cutOf(
  tx: Knex.Transaction,
  source: SourceRow,
  gaps: Awaited<ReturnType<typeof gapsOfSource>>,
  endsAt: number,
): Promise<{ seq: number; head: string }> {
  // The head at the end of a gap may be unknown until the next number is staged.
  if (source.last_stamp < endsAt && source.staged_head !== '')
    return { seq: source.staged_through, head: source.staged_head }
  // Stamps rise with numbers, so a binary search finds the boundary among a million events in some twenty reads.
  let before = source.cut_seq
  let at = source.staged_through + 1
  while (before + 1 < at) {
    const middle = Math.floor((before + at) / 2)
    const half = tx('staged_event')
      .where({ source_id: source.id })
      .andWhere('seq', '>=', middle)
      .andWhere('seq', '<', at)
    const found: { seq: number; at: number } | undefined = await outsideGaps(half, gaps)
      .orderBy('seq')
      .first('seq', 'at')
    if (!found || found.at >= endsAt) at = middle
    else before = found.seq
  }
  if (before === source.cut_seq) return { seq: source.cut_seq, head: source.cut_head }
  const row = await tx('staged_event').where({ source_id: source.id, seq: before }).first('head')
  return { seq: before, head: row.head }
}

async function readAdapterProgress(knex: Knex): Promise<{ rollCallTakenAt: number; sources: SourceStanding[] }> {
  const rollCall = await knex('roll_call').where({ id: 1 }).first('taken_at')
  const rows: (SourceStanding & { forkSeq: number })[] = await knex('source')
    .where('finished', 0)
    .orderBy(['name', 'epoch', 'incarnation'])
    .select(
      'name as source',
      'epoch',
      'incarnation',
      'state',
      'started_at as startedAt',
      'reported_at as reportedAt',
      'last_seq as lastSeq',
      'staged_through as stagedThrough',
      'last_stamp as lastStamp',
      'fork_seq as forkSeq',
    )
  const sources = rows.map(({ forkSeq, ...row }) => ({ ...row, forked: forkSeq > 0 }))
  return { rollCallTakenAt: rollCall?.taken_at ?? 0, sources }
}
