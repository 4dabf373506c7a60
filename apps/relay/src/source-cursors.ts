import type { SourceReport } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { finishedSources, stagedThrough } from '@hansard/staging'

/**
 * Where the relay stands with one source's events.
 *
 *     1 … forgotten … staged … sent … lastSeq
 *
 * `sent` is a guess and may be set back: what was sent may have been lost with the queue. `staged` is what the
 * compliance database itself was seen to hold, and only that lets a row leave the outbox (`forgotten`).
 */
export type SourceCursor = {
  readonly source: string
  readonly epoch: number
  /** the last number the source has given, and whether it can give more */
  lastSeq: number
  ended: boolean
  sent: number
  staged: number
  forgotten: number
  /** when `staged` last grew, or sending began after a rest */
  movedAt: number
}

export type SourceCursors = Map<string, SourceCursor>

export const keyOf = ({ source, epoch }: { source: string; epoch: number }): string => `${source}/${epoch}`

/** Takes up sources that a roll call names for the first time, from where the compliance database is with them. */
export async function takeUp(
  complianceDb: Database,
  cursors: SourceCursors,
  { reports, now }: { reports: readonly SourceReport[]; now: number },
): Promise<void> {
  const fresh = reports.map(({ source, epoch, lastSeq, state }) => ({
    ...{ source, epoch, lastSeq, ended: state !== 'alive' },
    ...{ sent: 0, staged: 0, forgotten: 0, movedAt: now },
  }))
  const staged = await readStaged(complianceDb, fresh)
  for (const cursor of fresh) {
    cursor.staged = staged.get(keyOf(cursor)) ?? 0
    cursor.sent = cursor.staged
    cursors.set(keyOf(cursor), cursor)
  }
}

/** The number up to which the compliance database holds each source's events, by `<source>/<epoch>`. */
export async function readStaged(
  complianceDb: Database,
  cursors: Iterable<Pick<SourceCursor, 'source' | 'epoch' | 'ended' | 'lastSeq'>>,
): Promise<Map<string, number>> {
  const staged = await stagedThrough(complianceDb)
  const silent = [...cursors].filter((cursor) => cursor.ended && !staged.has(keyOf(cursor)))
  if (silent.length === 0) return staged
  // The compliance database speaks no more of sources it is through with; their rows may still be in the outbox.
  const settled = new Set((await finishedSources(complianceDb)).map(keyOf))
  for (const cursor of silent) if (settled.has(keyOf(cursor))) staged.set(keyOf(cursor), cursor.lastSeq)
  return staged
}
