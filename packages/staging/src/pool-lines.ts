import { leafOf } from '@hansard/compliance-event'
import { yieldToEventLoop } from '@hansard/lifecycle'
import type { Database } from '@hansard/sql'
import { type ChainLink, chainOfInterval, quarantinedAmongLate, sourcesOfInterval } from './export-chain.ts'
import { lateWindows } from './plan-exports.ts'
import type { ClosedInterval } from './pool-manifests.ts'
import { byIdentity, type SourceIdentity } from './source-identity.ts'

/** One number of one source. */
type PoolLine = ChainLink & Required<SourceIdentity>

const PAGE = 2_000

/**
 * Everything that an interval brings, in the order of the chain files of a series: first its addenda, in the order of
 * the intervals they add to, then the interval itself; within each the sources by name, epoch and incarnation, then
 * their numbers.
 *
 * So the chain files of a series that was there from the first interval on, one after the other, are the lines of the
 * pool. The order depends on no adapter: it follows from how the intervals were closed.
 */
export async function* linesOfInterval(db: Database, interval: ClosedInterval): AsyncGenerator<PoolLine> {
  const { number, startsAt, endsAt } = interval
  const windows = await lateWindows(db.knex, { number, starts_at: startsAt, ends_at: endsAt })
  for (const window of windows) {
    // The interval's own late events are those of its window and later, as in the exports.
    const until = window.starts_at === startsAt ? Number.MAX_SAFE_INTEGER : window.ends_at
    yield* lateLines(db, { number, from: window.starts_at, until })
  }
  for (const source of await sourcesOfInterval(db, number))
    for await (const link of chainOfInterval(db, source))
      yield { source: source.source, epoch: source.epoch, incarnation: source.incarnation, ...link }
}

type Late = { readonly number: number; readonly from: number; readonly until: number }

async function* lateLines(db: Database, late: Late): AsyncGenerator<PoolLine> {
  const ids = lateEvents(db, late).distinct('source_id')
  const sources: (Required<SourceIdentity> & { id: number })[] = await db
    .knex('source')
    .whereIn('id', ids)
    .select('id', 'name as source', 'epoch', 'incarnation')
  for (const { id, ...source } of sources.sort(byIdentity)) {
    const isOf = async (seq: number) =>
      (await lateEvents(db, late).where({ source_id: id, seq }).first('seq')) !== undefined
    const placeholders = await quarantinedAmongLate(db, { intervalNumber: late.number, sourceId: id, isOf })
    for (let after = 0; ; ) {
      const rows: { seq: number; body: string; head: string; kind: string }[] = await lateEvents(db, late)
        .where({ source_id: id })
        .andWhere('seq', '>', after)
        .orderBy('seq')
        .limit(PAGE)
        .select('seq', 'body', 'head', 'kind')
      for (const { seq, body, head, kind } of rows) {
        while (placeholders[0] && placeholders[0].seq < seq) yield { ...source, ...placeholders.shift()! }
        yield { ...source, seq, leaf: leafOf(body), head, kind }
      }
      const last = rows.at(-1)
      if (!last) break
      after = last.seq
      await yieldToEventLoop()
    }
  }
}

function lateEvents(db: Database, { number, from, until }: Late) {
  return db
    .knex('staged_event')
    .whereRaw('late_in > 0')
    .andWhere('late_in', number)
    .andWhere('at', '>=', from)
    .andWhere('at', '<', until)
}
