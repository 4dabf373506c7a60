import { genesisHead, type SourceProgress, type SourceReport } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { headAt } from './head-at.ts'
import { oneNumber } from './one-number.ts'
import { keyOfSource, type SourceIdentity } from './source-identity.ts'
import { CLOSING_LOCK } from './stage-rules.ts'

/**
 * What a source progress says of a pool database that was set back: restored from a backup, or replaced by a standby
 * that lagged.
 *
 * The danger: numbers that were acknowledged are gone from the pool, or are given out again. A source of which the pool
 * has less than it reported before, or which it no longer knows, is noted (`went_back_at`). It has ended if the pool
 * does not know it: no commit in its name can succeed. If numbers are missing that were never staged, the record says
 * so as it says of a fork, and does not wait for them.
 */
export async function noteWentBack(db: Database, { takenAt, sources }: SourceProgress): Promise<void> {
  const last: { taken_at: number } = await db.knex('roll_call').where({ id: 1 }).first('taken_at')
  // Only a newer progress can show that; an older one arrives late.
  if (takenAt <= last.taken_at) return
  const reported = new Map(sources.map((report) => [keyOfSource(report), report]))
  const rows: Row[] = await db
    .knex('source')
    .where('finished', 0)
    .andWhere('reported_at', '>', 0)
    .andWhere('went_back_at', 0)
    .select('id', 'name as source', 'epoch', 'incarnation', 'state', 'last_seq', 'staged_through', 'fork_seq')
  for (const row of rows) {
    const report = reported.get(keyOfSource(row))
    // The pool omits a source that has ended and is settled.
    if (report ? report.lastSeq >= row.last_seq : row.state !== 'alive') continue
    const poolSeq = report?.lastSeq ?? 0
    if (row.last_seq > row.staged_through && row.fork_seq === 0) await noteFork(db, row.id, row.staged_through + 1)
    await db
      .knex('source')
      .where({ id: row.id, went_back_at: 0 })
      .update({ went_back_at: takenAt, pool_seq: poolSeq, ...(report ? {} : { state: 'dead' }) })
  }
}

type Row = Required<SourceIdentity> & {
  id: number
  state: string
  last_seq: number
  staged_through: number
  fork_seq: number
}

/** A source that the pool has less of than it had. */
export type SetBack = Required<SourceIdentity> & {
  /** The pool no longer has the numbers after this one. */
  readonly poolSeq: number
  /** the last number that it is known to have assigned, that is staged, and that is in a closed interval */
  readonly lastSeq: number
  readonly stagedThrough: number
  readonly closedThrough: number
  readonly at: number
}

export async function readSetBacks(db: Database): Promise<SetBack[]> {
  return db
    .knex('source')
    .where('went_back_at', '>', 0)
    .orderBy(['name', 'epoch', 'incarnation'])
    .select('name as source', 'epoch', 'incarnation', 'pool_seq as poolSeq', 'last_seq as lastSeq')
    .select('staged_through as stagedThrough', 'cut_seq as closedThrough', 'went_back_at as at')
}

async function noteFork(db: Database, id: number, seq: number): Promise<void> {
  await db.knex.transaction(async (tx) => {
    if (db.dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock_shared(${CLOSING_LOCK})`)
    const closed = (await oneNumber(tx('closed_interval').max('number'))) ?? 0
    await tx('source')
      .where({ id, fork_seq: 0 })
      .update({ fork_seq: seq, fork_in: closed + 1 })
  })
}

/**
 * What living services wrote down of a pool database that was set back: numbers that they had acknowledged, and that
 * nobody had reported yet. Those that are not staged are in no database, and the manifests say so as of a fork.
 */
export async function noteLosses(db: Database, { takenAt, lost = [] }: SourceProgress): Promise<void> {
  for (const { source: name, epoch, incarnation, recordedSeq, foundSeq } of lost) {
    const genesis = genesisHead(name, epoch, incarnation)
    await db
      .knex('source')
      .insert({
        ...{ name, epoch, incarnation, state: 'dead', started_at: takenAt, reported_at: takenAt, last_seq: 0 },
        ...{ head: genesis, staged_through: 0, staged_head: genesis, last_stamp: 0, cut_seq: 0, cut_head: genesis },
        finished: 0,
      })
      .onConflict(['name', 'epoch', 'incarnation'])
      .ignore()
    const row: { id: number; staged_through: number; fork_seq: number } = await db
      .knex('source')
      .where({ name, epoch, incarnation })
      .first('id', 'staged_through', 'fork_seq')
    if (row.fork_seq > 0 || recordedSeq <= row.staged_through) continue
    await noteFork(db, row.id, Math.max(foundSeq, row.staged_through) + 1)
  }
}

/**
 * Each report carries a number and the head of the chain there. A head that differs from the one staged under the same
 * number means that the source has given numbers out twice, although no second text has arrived yet.
 */
export async function noteForkedHeads(
  db: Database,
  known: ReadonlyMap<string, KnownSource>,
  reports: readonly SourceReport[],
): Promise<void> {
  for (const report of reports) {
    const row = known.get(keyOfSource(report))
    if (!row || row.fork_seq > 0 || report.lastSeq === 0 || report.lastSeq > row.staged_through) continue
    const own = { ...row, source: row.name }
    const head = report.lastSeq === row.staged_through ? row.staged_head : await headAt(db.knex, own, report.lastSeq)
    if (!head || head === report.head) continue
    await noteFork(db, row.id, report.lastSeq)
  }
}

/** A source as it was known before a progress. */
export type KnownSource = {
  id: number
  staged_through: number
  staged_head: string
  fork_seq: number
  name: string
  epoch: number
  incarnation: string
  state: string
  last_seq: number
  reported_at: number
}
