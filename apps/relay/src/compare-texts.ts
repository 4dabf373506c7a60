import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { outboxHead, readOutbox } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { heldTexts, type StagedState } from '@hansard/staging'
import type { RelayConfig } from './config.ts'
import type { SourceCursor } from './source-cursors.ts'

/** rows compared text by text in one step */
const STEP_ROWS = 1_000

type CompareDeps = { poolDb: Database; complianceDb: Database; clock: Clock; log: Log; config: RelayConfig }

/**
 * Compares what the outbox and the compliance database hold under the same numbers.
 *
 * The danger: a pool database that was set back has other texts under numbers that are staged. They would neither be
 * sent, because their numbers are staged, nor kept. One row is enough where the two agree, because its head stands for
 * all texts before it. Where they differ, and in a source that has forked, every text is compared. What the compliance
 * database does not have is sent, so that it is quarantined there.
 */
export async function compareTexts(
  deps: CompareDeps,
  cursor: SourceCursor,
  state: StagedState,
): Promise<'again' | 'done'> {
  const { poolDb, complianceDb } = deps
  const target = state.forked ? Math.max(cursor.sent, cursor.staged) : cursor.staged
  if (cursor.compared >= target) return 'done'
  if (!state.forked && (await outboxHead(poolDb, { ...cursor, seq: target })) === state.stagedHead) {
    cursor.compared = target
    return 'done'
  }
  const rows = await readOutbox(poolDb, { ...cursor, afterSeq: cursor.compared, limit: STEP_ROWS })
  const due = rows.filter(({ seq }) => seq <= target)
  const held = await heldTexts(complianceDb, cursor, due)
  const missing = due.find(({ seq }) => !held.has(seq))
  if (missing) {
    cursor.compared = missing.seq - 1
    sendAgainFrom(deps, cursor, missing.seq)
    return 'done'
  }
  cursor.compared = due.length === STEP_ROWS ? due.at(-1)!.seq : target
  return due.length === STEP_ROWS ? 'again' : 'done'
}

/** The compliance database does not have the text under this number: it is sent, and until it is there the row stays. */
export function sendAgainFrom(
  { clock, log, config }: Pick<CompareDeps, 'clock' | 'log' | 'config'>,
  cursor: SourceCursor,
  seq: number,
): void {
  if (clock.uptime() - cursor.differedAt < config.resendMs) return
  const { source, epoch, incarnation } = cursor
  log.error(
    { source, epoch, incarnation, seq },
    'the compliance database does not have the text that the outbox has under a staged number; it is sent again',
  )
  cursor.differedAt = clock.uptime()
  cursor.sent = Math.min(cursor.sent, seq - 1)
}

/**
 * Numbers that count as staged and have no text in the compliance database: their rows were removed there, or they were
 * accepted as a gap. Where the outbox has the text, it is sent.
 */
export async function sendLacking(deps: CompareDeps, cursor: SourceCursor, { lacking }: StagedState): Promise<void> {
  const { poolDb, complianceDb, clock, config } = deps
  for (const { from, to } of lacking) {
    if (clock.uptime() - cursor.differedAt < config.resendMs) return
    const limit = Math.min(STEP_ROWS, to - from + 1)
    const rows = (await readOutbox(poolDb, { ...cursor, afterSeq: from - 1, limit })).filter(({ seq }) => seq <= to)
    const held = await heldTexts(complianceDb, cursor, rows)
    const missing = rows.find(({ seq }) => !held.has(seq))
    if (missing) sendAgainFrom(deps, cursor, missing.seq)
  }
}
