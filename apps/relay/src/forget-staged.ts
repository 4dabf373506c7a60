import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { deleteFromOutbox, noteStagedThrough, outboxStamps, readOutbox } from '@hansard/pool-store'
import type { Transport } from '@hansard/queue'
import type { Database } from '@hansard/sql'
import { heldTexts, type StagedState, stagedStates } from '@hansard/staging'
import { compareTexts, sendAgainFrom } from './compare-texts.ts'
import type { RelayConfig } from './config.ts'
import { keyOf, type SourceCursor, type SourceCursors } from './source-cursors.ts'

/** Rows deleted in one transaction. Posts share the database and wait for it. */
const BITE_ROWS = 1_000

type ForgetDeps = {
  poolDb: Database
  complianceDb: Database
  transport: Transport
  clock: Clock
  log: Log
  cursors: SourceCursors
  config: RelayConfig
}

/**
 * Follows what the compliance database has, marks events that it lacks to be sent again, and deletes old rows from the
 * outbox.
 *
 * The danger: an event that was sent, lost with the queue or with a restored database, and then deleted because it had
 * been sent. So neither the queue nor a cursor is believed: a row is deleted only after its own text was read in the
 * compliance database, just before. It stays there for a while after that, so that a compliance database that is
 * restored from a backup is filled again.
 */
export async function forgetStaged(deps: ForgetDeps): Promise<'again' | 'pause'> {
  const { poolDb, complianceDb, cursors } = deps
  const busy = [...cursors.values()].some(({ forgotten, sent }) => forgotten < sent)
  if (!busy) return 'pause'
  let again = false
  const moved: SourceCursor[] = []
  const states = await stagedStates(complianceDb, [...cursors.values()])
  for (const cursor of cursors.values()) {
    const state = states.get(keyOf(cursor)) ?? UNKNOWN
    const before = cursor.staged
    follow(deps, cursor, state)
    if ((await compareTexts(deps, cursor, state)) === 'again') again = true
    if (state.forked && cursor.compared > cursor.staged) cursor.staged = cursor.compared
    if (cursor.staged !== before) moved.push(cursor)
  }
  await noteStagedThrough(
    poolDb,
    moved.map(({ source, epoch, staged }) => ({ source, epoch, throughSeq: staged })),
  )
  for (const cursor of cursors.values()) if ((await forgetOld(deps, cursor)) === 'again') again = true
  await sendAgainWhatSeemsLost(deps)
  return again ? 'again' : 'pause'
}

/** of a source that the compliance database does not know */
const UNKNOWN: StagedState = { stagedThrough: 0, stagedHead: '', forked: false }

function follow({ clock, log }: ForgetDeps, cursor: SourceCursor, state: StagedState): void {
  const through = state.forked ? Math.max(state.stagedThrough, cursor.compared) : state.stagedThrough
  if (through > cursor.staged) {
    cursor.staged = through
    cursor.sent = Math.max(cursor.sent, through)
    cursor.movedAt = clock.uptime()
  } else if (through < cursor.staged) {
    const { source, epoch, staged } = cursor
    log.warn(
      { source, epoch, from: through + 1, to: staged },
      'the compliance database no longer has these events: it came back older, and they are sent again',
    )
    cursor.staged = through
    cursor.sent = through
    cursor.compared = Math.min(cursor.compared, through)
    cursor.movedAt = clock.uptime()
  }
}

/** Deletes rows whose text the compliance database has had for long enough, or the oldest when too many are kept. */
async function forgetOld(deps: ForgetDeps, cursor: SourceCursor): Promise<'again' | 'pause'> {
  const { poolDb, complianceDb, clock, config } = deps
  const crowded = keptRows(deps) > config.keptRowsMax
  if (cursor.forgotten >= cursor.compared || (!crowded && clock.now() < cursor.keptUntil)) return 'pause'
  const from = { source: cursor.source, epoch: cursor.epoch, afterSeq: cursor.forgotten }
  const stamps = (await outboxStamps(poolDb, { ...from, limit: BITE_ROWS })).filter(({ seq }) => seq <= cursor.compared)
  const oldest = stamps[0]
  if (!oldest) {
    cursor.forgotten = cursor.compared
    return 'pause'
  }
  cursor.forgotten = oldest.seq - 1
  const old = (since: number) => crowded || since + config.keepMs <= clock.now()
  const due = stamps.findLastIndex(({ at }) => old(at)) + 1
  if (due === 0) {
    cursor.keptUntil = oldest.at + config.keepMs
    return 'pause'
  }
  const rows = await readOutbox(poolDb, { ...from, limit: due })
  const held = await heldTexts(complianceDb, cursor, rows)
  const gone = rows.filter(({ seq }) => held.has(seq) && old(held.get(seq)!))
  await deleteFromOutbox(poolDb, { ...from, rows: gone })
  const left = rows.find(({ seq }) => !held.has(seq) || !old(held.get(seq)!))
  cursor.forgotten = (left?.seq ?? rows.at(-1)!.seq + 1) - 1
  if (left && !held.has(left.seq)) {
    cursor.compared = left.seq - 1
    sendAgainFrom(deps, cursor, left.seq)
    return 'pause'
  }
  cursor.keptUntil = left ? held.get(left.seq)! + config.keepMs : 0
  return left ? 'pause' : 'again'
}

function keptRows({ cursors }: ForgetDeps): number {
  return [...cursors.values()].reduce((sum, { compared, forgotten }) => sum + Math.max(0, compared - forgotten), 0)
}

/**
 * While the queue is not empty, the worker is slow and the event is probably not lost; sending it again would only
 * make the queue longer. An empty queue without progress means that the event is lost.
 */
async function sendAgainWhatSeemsLost(deps: {
  transport: Transport
  clock: Clock
  log: Log
  cursors: SourceCursors
  config: RelayConfig
}): Promise<void> {
  const { transport, clock, log, cursors, config } = deps
  const idleFor = ({ sent, staged, movedAt }: SourceCursor) => (sent > staged ? clock.uptime() - movedAt : 0)
  const stuck = [...cursors.values()].filter((cursor) => idleFor(cursor) >= config.resendMs)
  if (stuck.length === 0) return

  const { waiting, active } = await transport.depth()
  for (const cursor of stuck) {
    if (waiting + active > 0 && idleFor(cursor) < config.patienceMs) continue
    log.warn(
      { source: cursor.source, epoch: cursor.epoch, from: cursor.staged + 1, to: cursor.sent },
      'events did not arrive and are sent again',
    )
    cursor.sent = cursor.staged
    cursor.movedAt = clock.uptime()
  }
}
