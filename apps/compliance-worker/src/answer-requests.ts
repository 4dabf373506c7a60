import type { Adapter, RecordAdapter } from '@hansard/adapter'
import {
  answerRequest,
  appendAudit,
  closedIntervalFor,
  exportsOfInterval,
  noteWaiting,
  retryQuarantine,
  type WorkRequest,
} from '@hansard/staging'
import { checkAll } from './check-files.ts'
import { replayExport } from './replay-export.ts'
import { restoreExport } from './restore-export.ts'
import type { ExportDeps, TurnDeps } from './run-export.ts'

/** Stages everything in quarantine again and answers the request. */
export async function answerRetry({ db, lease, clock }: TurnDeps, request: WorkRequest): Promise<void> {
  await retryQuarantine(db, lease, { now: clock.now(), requestId: request.id })
}

/** Renders a sealed export again and answers whether the result is the same. The read is audited. */
export async function answerReplay(
  deps: ExportDeps & { adapters: ReadonlyMap<string, Adapter | RecordAdapter>; holder: string },
  request: WorkRequest & { kind: 'replay' },
): Promise<void> {
  const { db, lease, clock, holder } = deps
  const replayed = await replayExport(deps, request)
  const answer =
    'refused' in replayed
      ? ({ state: 'failed', reason: replayed.refused } as const)
      : ({ state: 'done', result: replayed } as const)
  const now = clock.now()
  await appendAudit(db.knex, {
    at: now,
    actor: `worker:${holder}`,
    action: 'replayed',
    object: `${request.adapter}/${request.number}`,
    detail: {
      request: request.id,
      ...('refused' in replayed ? replayed : { identical: replayed.identical, onDisk: replayed.onDisk.length }),
    },
  })
  await answerRequest(db, lease, { id: request.id, answer, now })
}

/** Writes the sealed bytes of an export again, on record. */
export async function answerRestore(
  deps: ExportDeps & { adapters: ReadonlyMap<string, Adapter | RecordAdapter> },
  request: WorkRequest & { kind: 'restore' },
): Promise<void> {
  const { db, lease, clock, holder } = deps
  const { adapter, number, id } = request
  const restored = await restoreExport(deps, { adapter, number })
  const refused = 'refused' in restored
  const now = clock.now()
  await appendAudit(db.knex, {
    at: now,
    actor: `worker:${holder}`,
    action: 'restored',
    object: `${adapter}/${number}`,
    detail: { request: id, ...(refused ? restored : { written: restored.written, kept: restored.kept }) },
  })
  const answer = refused
    ? ({ state: 'failed', reason: restored.refused } as const)
    : ({ state: 'done', result: restored } as const)
  await answerRequest(db, lease, { id, answer, now })
}

/** Compares every sealed file with its hash, and answers what differs. */
export async function answerCheck(deps: ExportDeps, { id }: WorkRequest): Promise<void> {
  const { db, lease, clock } = deps
  const result = await checkAll(deps)
  await answerRequest(db, lease, { id, answer: { state: 'done', result }, now: clock.now() })
}

/** Answers why a request was not carried out. The caller may repeat it. */
export async function answerFailure(
  { db, lease, clock }: TurnDeps,
  { id }: WorkRequest,
  reason: string,
): Promise<void> {
  await answerRequest(db, lease, { id, answer: { state: 'failed', reason }, now: clock.now() })
}

/** The first millisecond after the interval to seal. It contains everything accepted before the request. */
export function cutFor(request: WorkRequest): number {
  return request.requestedAt + 1
}

/** A clock that was hours ahead closed an interval that was not over. */
function closedBefore({ startsAt, endsAt }: { startsAt: number; endsAt: number }): string {
  const [from, to] = [startsAt, endsAt].map((at) => new Date(at).toISOString())
  return `Nothing was sealed: the interval from ${from} to ${to} was closed before this request was made, by a clock that was ahead. What was said since is exported in addenda to it, or after ${to}. Check the clocks of the services, and see \`hansard exports list\` for addenda.`
}

/**
 * Answers a request to seal once every adapter that has to has sealed the interval that ended with it. Until then it
 * reports what it waits for. An interval that was closed before the request was made cannot contain what was said
 * before it, whatever its end: then the answer is why. True when answered.
 */
export async function answerSeal(
  { db, lease, clock }: TurnDeps,
  request: WorkRequest & { kind: 'seal' },
  { adapters, waitsFor }: { adapters: readonly string[]; waitsFor: string | null },
): Promise<boolean> {
  const interval = await closedIntervalFor(db, cutFor(request))
  if (!interval) {
    if (request.reason !== waitsFor) await noteWaiting(db, lease, { id: request.id, reason: waitsFor })
    return false
  }
  if (interval.number <= (request.closedThrough ?? 0)) {
    await answerRequest(db, lease, {
      id: request.id,
      answer: { state: 'failed', reason: closedBefore(interval) },
      now: clock.now(),
    })
    return true
  }
  const { exports, outstanding } = await exportsOfInterval(db, interval.number, adapters)
  if (outstanding.length > 0) {
    const reason = `The interval is closed; ${outstanding.join(', ')} still to be sealed.`
    if (request.reason !== reason) await noteWaiting(db, lease, { id: request.id, reason })
    return false
  }
  const result = { start: interval.startsAt, end: interval.endsAt, exports }
  await answerRequest(db, lease, { id: request.id, answer: { state: 'done', result }, now: clock.now() })
  return true
}
