import type { SourceReport } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { keyOfSource, stagedStates } from '@hansard/staging'

/**
 * The relay's cursors for the events of one source.
 *
 *     1 … forgotten … compared … staged … sent … lastSeq
 *
 * `sent` is a guess and may be set back: sent events may have been lost with the queue, or with a compliance database
 * that came back older. Nothing is deleted from the outbox because of a cursor; they only say where to look.
 */
export type SourceCursor = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  /** the last number that the source has assigned, and whether it can assign more */
  lastSeq: number
  ended: boolean
  sent: number
  /** up to this number the compliance database has events of the source, when last read */
  staged: number
  /** up to this number the outbox and the compliance database were seen to hold the same texts */
  compared: number
  /** rows up to this number are deleted */
  forgotten: number
  /** the oldest row that is left is kept until then */
  keptUntil: number
  /** when `staged` last grew, or sending resumed after a pause */
  movedAt: number
  /** when texts that differ from the staged ones were last sent again */
  differedAt: number
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
  const states = await stagedStates(complianceDb, reports)
  for (const { source, epoch, incarnation = '', lastSeq, state } of reports) {
    const key = keyOf({ source, epoch, incarnation })
    const staged = states.get(key)?.stagedThrough ?? 0
    cursors.set(key, {
      ...{ source, epoch, incarnation, lastSeq, ended: state !== 'alive' },
      ...{ sent: staged, staged, compared: 0, forgotten: 0 },
      ...{ keptUntil: 0, movedAt: now, differedAt: Number.NEGATIVE_INFINITY },
    })
  }
}
