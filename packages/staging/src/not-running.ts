import type { SourceState } from '@hansard/compliance-event'
import type { Interval } from '@hansard/conversation'
import type { Database, Knex } from '@hansard/sql'
import { byIdentity, type SourceIdentity } from './source-identity.ts'

/** A time in which no source lived: nobody could record anything. Quiet and stopped must not look alike. */
export type TimeNotRunning = {
  readonly from: number
  readonly to: number
  /** of every service that had lived before, the newest sign */
  readonly lastSigns: readonly (Required<SourceIdentity> & { readonly at: number })[]
}

/** A source's life: from its start to its newest report or stamp, without an end while it is alive. */
export type SourceLife = Required<SourceIdentity> & {
  readonly state: SourceState
  readonly startedAt: number
  readonly lastSign: number
}

/** Sources report every second; a service that is started again is away for some seconds. */
const GAP_MS_MIN = 10_000
const SIGNS_MAX = 100

/**
 * The times of an interval in which no source lived, from the first source's start on. A source that is alive counts as
 * living until now: when it was silent is not on record.
 */
export function notRunningIn(interval: Interval, lives: readonly SourceLife[]): TimeNotRunning[] {
  const sorted = lives.toSorted((a, b) => a.startedAt - b.startedAt)
  const found: TimeNotRunning[] = []
  let until = sorted[0]?.startedAt ?? interval.endsAt
  const addGap = (to: number) => {
    const [from, end] = [Math.max(until, interval.startsAt), Math.min(to, interval.endsAt)]
    if (to - until >= GAP_MS_MIN && from < end) found.push({ from, to: end, lastSigns: signsBefore(lives, from) })
  }
  for (const { startedAt, state, lastSign } of sorted) {
    addGap(startedAt)
    until = Math.max(until, state === 'alive' ? Number.MAX_SAFE_INTEGER : lastSign)
  }
  if (until < interval.endsAt) addGap(Number.MAX_SAFE_INTEGER)
  return found
}

function signsBefore(lives: readonly SourceLife[], moment: number): TimeNotRunning['lastSigns'] {
  const newest = new Map<string, SourceLife>()
  for (const life of lives.filter(({ lastSign }) => lastSign <= moment)) {
    const other = newest.get(life.source)
    if (!other || other.lastSign < life.lastSign) newest.set(life.source, life)
  }
  return [...newest.values()]
    .sort((a, b) => b.lastSign - a.lastSign)
    .slice(0, SIGNS_MAX)
    .sort(byIdentity)
    .map(({ source, epoch, incarnation, lastSign }) => ({ source, epoch, incarnation, at: lastSign }))
}

/** @internal In the transaction that closes the interval: what is known then is what its manifest says for ever. */
export async function readNotRunning(tx: Knex, interval: Interval): Promise<TimeNotRunning[]> {
  const alive = await tx('source').where('state', 'alive').andWhere('started_at', '<=', interval.startsAt).first('id')
  if (alive) return []
  const rows: (Omit<SourceLife, 'lastSign'> & { reportedAt: number; lastStamp: number })[] = await tx('source').select(
    'name as source',
    'epoch',
    'incarnation',
    'state',
    'started_at as startedAt',
    'reported_at as reportedAt',
    'last_stamp as lastStamp',
  )
  const lives = rows.map(({ reportedAt, lastStamp, ...life }) => ({
    ...life,
    lastSign: Math.max(life.startedAt, reportedAt, lastStamp),
  }))
  return notRunningIn(interval, lives)
}

export async function notRunningOf(db: Database, intervalNumber: number): Promise<TimeNotRunning[]> {
  const row = await db.knex('closed_interval').where({ number: intervalNumber }).first('not_running')
  return row?.not_running ? JSON.parse(row.not_running) : []
}

/** @internal */
export function notRunningColumn(found: readonly TimeNotRunning[]): { not_running: string | null } {
  return { not_running: found.length > 0 ? JSON.stringify(found) : null }
}
