import type { Clock } from '@hansard/clock'
import { type Database, databaseNow } from '@hansard/sql'
import { newestStamp } from './newest-stamp.ts'
import { ClockOff } from './record-errors.ts'

/**
 * Clocks that lie.
 *
 * The danger is a false stamp: it puts a chat into the wrong interval for good, and no later stamp of its source may
 * be lower. So a source stamps nothing while its clock cannot be believed, and says why.
 *
 * Two things are compared with the clock. The clock of the PostgreSQL server, once a second and whenever the clock was
 * set; SQLite has none of its own. And the machine's uptime, at every commit: it shows that the clock was set since,
 * even where the database shares the machine. Which of two times is right after that, only a person can know. So the
 * source waits until both agree again, or until it is started anew, which is how a person says that the time is right.
 */
export type ClockGuard = {
  /**
   * The time to stamp with. `off`: the clock is not to be believed, nothing may be stamped, and `now` is a time that is
   * not later than the true one.
   */
  read(lastStamp: number): Promise<{ now: number; off: ClockOff | undefined }>
}

/** Milliseconds. A clock that differs by more is not believed. */
export const CLOCK_BOUND_MS = 60_000
/** The database's clock is asked this often. */
const ASK_EVERY_MS = 1_000
/** The uptime is compared with the clock of this long ago. Small corrections of a clock over months are not a step. */
const RENEW_EVERY_MS = 600_000
/** A process may be frozen between two readings of one moment: they are taken again. */
const TOGETHER_MS = 100
const READINGS_MAX = 5

export function createClockGuard({
  db,
  clock,
  boundMs = CLOCK_BOUND_MS,
}: {
  db: Database
  clock: Clock
  boundMs?: number | undefined
}): ClockGuard {
  const asksDatabase = db.dialect === 'postgres'
  let anchor = readTogether(clock)
  let asked: Moment | undefined
  let databaseOff: number | undefined

  const askDatabase = async () => {
    const before = readTogether(clock)
    const database = await databaseNow(db, clock)
    const after = readTogether(clock)
    asked = after
    databaseOff = outside(database, { from: before.now, to: after.now, boundMs })
    return database
  }

  return {
    async read(lastStamp) {
      let moment = readTogether(clock)
      let database: number | undefined
      if (asksDatabase && isDue(moment, { asked, off: databaseOff !== undefined })) {
        database = await askDatabase()
        moment = readTogether(clock)
      }
      const passed = anchor.now + (moment.uptime - anchor.uptime)
      const stepMs = moment.now - passed
      const aheadMs = lastStamp - moment.now
      const off =
        databaseOff !== undefined
          ? new ClockOff({ ms: databaseOff, from: 'database' })
          : Math.abs(stepMs) > boundMs
            ? new ClockOff({ ms: stepMs, from: 'uptime' })
            : aheadMs > boundMs
              ? new ClockOff({ ms: -aheadMs, from: 'stamps' })
              : undefined
      if (off) return { now: Math.floor(Math.min(passed, database ?? passed)), off }
      if (moment.uptime - anchor.uptime >= RENEW_EVERY_MS) anchor = moment
      return { now: moment.now, off: undefined }
    },
  }
}

/** For the log: when the clock is not to be believed any more, and when it is again. */
export function logClock(
  log: Record<'error' | 'warn', (fields: object, text: string) => void>,
): (off: ClockOff | undefined) => void {
  return (off) => (off ? log.error({ offMs: off.ms }, off.message) : log.warn({}, 'the clock is right again'))
}

type Moment = { readonly now: number; readonly uptime: number }

function isDue(moment: Moment, { asked, off }: { asked: Moment | undefined; off: boolean }): boolean {
  if (!asked || off) return true
  const passed = moment.uptime - asked.uptime
  return passed >= ASK_EVERY_MS || Math.abs(moment.now - asked.now - passed) >= ASK_EVERY_MS
}

/** The clock and the uptime of one moment. */
function readTogether(clock: Clock): Moment {
  for (let readings = 1; ; readings += 1) {
    const before = clock.uptime()
    const now = clock.now()
    const after = clock.uptime()
    if (after - before <= TOGETHER_MS || readings === READINGS_MAX) return { now, uptime: after }
  }
}

/** How far a clock that showed `from` and then `to` is ahead of `time`, read in between; undefined: within the bound. */
function outside(time: number, { from, to, boundMs }: { from: number; to: number; boundMs: number }) {
  if (from - time > boundMs) return from - time
  if (time - to > boundMs) return to - time
  return undefined
}

/**
 * Throws `ClockWrong` when a source must not start by this clock: it differs from the database server's, or, where the
 * database has none of its own, it is behind what is on record. `statedTime` is the true time as a person has stated
 * it: a clock that shows it is right, so the stamps on record are false.
 */
export async function requireRightClock(
  db: Database,
  clock: Clock,
  { boundMs = CLOCK_BOUND_MS, statedTime }: { boundMs?: number | undefined; statedTime?: number | undefined } = {},
): Promise<void> {
  if (db.dialect === 'postgres') {
    const from = clock.now()
    const database = await databaseNow(db, clock)
    const off = outside(database, { from, to: clock.now(), boundMs })
    if (off === undefined) return
    throw new ClockWrong(
      `This machine's clock shows ${iso(clock.now())}, and the pool database's ${iso(database)}: ${inWords(off)}. ` +
        'Events would get false times. Set the clock that is wrong (chrony, ntpd), and start again.',
    )
  }
  const newest = await newestStamp(db, { settledToo: true })
  const now = clock.now()
  if (!newest || newest.at - now <= boundMs) return
  if (statedTime !== undefined && Math.abs(statedTime - now) <= STATED_WITHIN_MS) return
  const stated =
    statedTime === undefined
      ? ''
      : ` HANSARD_CLOCK_RIGHT_AT is ${iso(statedTime)}, which is more than ten minutes from that.`
  throw new ClockWrong(
    `This machine's clock shows ${iso(now)}, and the record has events until ${iso(newest.at)} (source ` +
      `${newest.source}/${newest.epoch}): ${inWords(now - newest.at)}.${stated} If the clock is wrong, set it and start ` +
      'again. If it is right and was ahead before, those times are false: start once with ' +
      'HANSARD_CLOCK_RIGHT_AT=<the time by another clock, such as 2026-01-02T03:04Z>.',
  )
}

/** A stated time that is older says nothing about the clock any more. */
const STATED_WITHIN_MS = 600_000

const iso = (at: number) => new Date(at).toISOString()

function inWords(aheadMs: number): string {
  const seconds = Math.round(Math.abs(aheadMs) / 1_000)
  return `it is ${seconds} s ${aheadMs > 0 ? 'ahead' : 'behind'}`
}

/** A service does not start: its clock is wrong, or its database's is. */
class ClockWrong extends Error {
  override name = 'ClockWrong'
  readonly exitCode = 2
}
