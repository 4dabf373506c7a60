import type { SourceReport } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { finishedSources, keyOfSource, stagedThrough } from '@hansard/staging'

/**
 * The relay's cursors for the events of one source.
 *
 *     1 … forgotten … staged … sent … lastSeq
 *
 * `sent` is a guess and may be set back: sent events may have been lost with the queue. `staged` was read from the
 * compliance database; only events up to it may be deleted from the outbox (`forgotten`).
 */
export type SourceCursor = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  /** the last number that the source has assigned, and whether it can assign more */
  lastSeq: number
  ended: boolean
  sent: number
  staged: number
  forgotten: number
  /** when `staged` last grew, or sending resumed after a pause */
  movedAt: number
}

export type SourceCursors = Map<string, SourceCursor>

export const keyOf = keyOfSource

/**
 * Adds cursors for sources that a source progress names for the first time, starting where the compliance database
 * is.
 */
export async function takeUp(
  complianceDb: Database,
  cursors: SourceCursors,
  { reports, now }: { reports: readonly SourceReport[]; now: number },
): Promise<void> {
  const fresh = reports.map(({ source, epoch, incarnation = '', lastSeq, state }) => ({
    ...{ source, epoch, incarnation, lastSeq, ended: state !== 'alive' },
    ...{ sent: 0, staged: 0, forgotten: 0, movedAt: now },
  }))
  const staged = await readStaged(complianceDb, fresh)
  for (const cursor of fresh) {
    cursor.staged = staged.get(keyOf(cursor)) ?? 0
    cursor.sent = cursor.staged
    cursors.set(keyOf(cursor), cursor)
  }
}

/** By `keyOf`: the number up to which the compliance database has the source's events. */
export async function readStaged(
  complianceDb: Database,
  cursors: Iterable<Pick<SourceCursor, 'source' | 'epoch' | 'incarnation' | 'ended' | 'lastSeq'>>,
): Promise<Map<string, number>> {
  const staged = await stagedThrough(complianceDb)
  const silent = [...cursors].filter((cursor) => cursor.ended && !staged.has(keyOf(cursor)))
  if (silent.length === 0) return staged
  // The compliance database no longer lists sources that are complete; their rows may still be in the outbox.
  const settled = new Set((await finishedSources(complianceDb)).map(keyOf))
  for (const cursor of silent) if (settled.has(keyOf(cursor))) staged.set(keyOf(cursor), cursor.lastSeq)
  return staged
}
