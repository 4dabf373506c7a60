import { randomBytes } from 'node:crypto'
import { genesisHead, type SourceProgress, type SourceReport, type SourceState } from '@hansard/compliance-event'
import { type Database, endingBlockers, isUniqueViolation } from '@hansard/sql'
import { CLOCK_BOUND_MS } from './clock-guard.ts'
import { SourceFenced } from './record-errors.ts'

/**
 * Sources: the service instances that record events. One row per start (epoch).
 *
 * The danger is a zombie: a service that was replaced and does not know it. Starting a source ends its predecessor of
 * the same name in the same transaction, and every commit of a source requires its row to be `alive` (the fencing
 * token). Once a successor exists, nothing more can be recorded in the predecessor's name, and `last_seq` and `head`
 * of an ended source are final. A predecessor that is frozen inside a transaction holds its row locked: its session is
 * ended (`endingBlockers`).
 *
 * Epochs are counted in the database, so a database that was set back gives an epoch out again. The incarnation, 128
 * random bits per start, is never given out twice: it is part of a source's identity and of its first chain head, and
 * every commit requires it too.
 */
export type Source = {
  readonly name: string
  readonly epoch: number
  /** 32 hexadecimal digits; "" for a source that started before there were incarnations */
  readonly incarnation: string
  readonly lastStamp: number
  readonly head: string
}

/**
 * For this long after the record confirmed that it is alive, a service delivers chats of other services without
 * asking again. A source that has been silent for less must not be declared dead: its participants would be parted
 * and still receive.
 */
export const CONFIRMED_ALIVE_MS = 5_000
/** A source that reported within this time is not declared dead. Twice as long, to allow for clock skew. */
export const SILENT_BEFORE_DEAD_MS = 2 * CONFIRMED_ALIVE_MS

export async function startSource(
  db: Database,
  { name, endpoint, now }: { name: string; endpoint: string; now: number },
): Promise<Source> {
  for (;;) {
    try {
      return await endingBlockers(db, async (tx) => {
        await tx('source').where({ name, state: 'alive' }).update({ state: 'fenced', ended_at: now })
        const before: { epoch: number; last_stamp: number } | undefined = await tx('source')
          .where({ name })
          .orderBy('epoch', 'desc')
          .first('epoch', 'last_stamp')
        const epoch = (before?.epoch ?? 0) + 1
        // Stamps of a name do not go back with a restart, unless they were false: this start has the true time.
        const lastStamp = before?.last_stamp ?? 0
        const startedAt = lastStamp - now > CLOCK_BOUND_MS ? now : Math.max(now, lastStamp)
        const incarnation = randomBytes(16).toString('hex')
        const head = genesisHead(name, epoch, incarnation)
        await tx('source').insert({
          name,
          epoch,
          incarnation,
          state: 'alive',
          endpoint,
          started_at: startedAt,
          last_seq: 0,
          head,
          last_stamp: startedAt,
          reported_at: startedAt,
          settled: false,
        })
        return { name, epoch, incarnation, lastStamp: startedAt, head }
      })
    } catch (error) {
      // Two instances of one name started concurrently: the later one takes the next epoch and fences the earlier.
      if (!isUniqueViolation(error)) throw error
    }
  }
}

/** The source ends by its own decision, after its last commit. */
export async function stopSource(
  db: Database,
  { name, epoch, incarnation, now }: { name: string; epoch: number; incarnation: string; now: number },
): Promise<void> {
  await db
    .knex('source')
    .where({ name, epoch, incarnation, state: 'alive' })
    .update({ state: 'stopped', ended_at: now })
}

/**
 * Ends the alive epoch of `name`. Its later commits fail. Returns the epoch ended, or undefined when none was alive.
 *
 * With `silentSince`, only a source that has not reported since then: one that has just been restarted is left alone.
 * With `seen`, only a source that has not reported since it was read.
 */
export async function declareDead(
  db: Database,
  {
    name,
    now,
    silentSince,
    seen,
  }: { name: string; now: number; silentSince?: number; seen?: { epoch: number; reportedAt: number } },
): Promise<number | undefined> {
  return endingBlockers(db, async (tx) => {
    const alive: { epoch: number } | undefined = await tx('source').where({ name, state: 'alive' }).first('epoch')
    if (!alive || (seen && alive.epoch !== seen.epoch)) return undefined
    const ended = await tx('source')
      .where({ name, epoch: alive.epoch, state: 'alive' })
      .andWhere('reported_at', '<', silentSince ?? Number.MAX_SAFE_INTEGER)
      .modify((query) => void (seen && query.andWhere('reported_at', seen.reportedAt)))
      .update({ state: 'dead', ended_at: now })
    return ended === 1 ? alive.epoch : undefined
  })
}

/** Throws `SourceFenced` when the source is not alive any more. */
export async function requireAlive(
  db: Database,
  source: Pick<Source, 'name' | 'epoch' | 'incarnation'>,
): Promise<void> {
  const { name, epoch, incarnation } = source
  const row: unknown = await db.knex('source').where({ name, epoch, incarnation, state: 'alive' }).first('epoch')
  if (!row) throw new SourceFenced(source)
}

/** The state of each epoch of a source, oldest first; empty when the name is unknown. */
export async function sourceStates(db: Database, name: string): Promise<SourceState[]> {
  const rows: { state: SourceState }[] = await db.knex('source').where({ name }).orderBy('epoch').select('state')
  return rows.map((row) => row.state)
}

/** The last report of an alive source. */
export type SourceReportSeen = { readonly name: string; readonly epoch: number; readonly reportedAt: number }

export async function aliveReports(db: Database): Promise<SourceReportSeen[]> {
  const rows: { name: string; epoch: number; reported_at: number }[] = await db
    .knex('source')
    .where('state', 'alive')
    .orderBy('name')
    .select('name', 'epoch', 'reported_at')
  return rows.map(({ name, epoch, reported_at }) => ({ name, epoch, reportedAt: reported_at }))
}

/** URLs of the file services that are alive and have reported since `since`. */
export async function fileServices(db: Database, since: number): Promise<string[]> {
  const rows: { endpoint: string }[] = await db
    .knex('source')
    .where('state', 'alive')
    .andWhere('reported_at', '>=', since)
    .andWhere('endpoint', 'like', 'http%')
    .distinct('endpoint')
    .orderBy('endpoint')
  return rows.map((row) => row.endpoint)
}

type SourceRow = {
  name: string
  epoch: number
  incarnation: string
  state: SourceState
  started_at: number
  last_seq: number
  head: string
  reported_at: number
}

/** Every source that is alive, or ended and not yet settled, in one statement: a consistent snapshot of the pool. */
export async function readSourceProgress(db: Database, takenAt: number): Promise<SourceProgress> {
  const rows: SourceRow[] = await db
    .knex('source')
    .where('settled', false)
    .orderBy(['name', 'epoch'])
    .select('name', 'epoch', 'incarnation', 'state', 'started_at', 'last_seq', 'head', 'reported_at')
  return {
    takenAt,
    sources: rows.map(
      (row): SourceReport => ({
        source: row.name,
        epoch: row.epoch,
        incarnation: row.incarnation,
        state: row.state,
        startedAt: row.started_at,
        lastSeq: row.last_seq,
        head: row.head,
        reportedAt: row.reported_at,
      }),
    ),
  }
}

/** Call when the compliance database has recorded that the source ended and holds all its events. */
export async function finishSource(
  db: Database,
  { name, epoch, incarnation }: { name: string; epoch: number; incarnation: string },
): Promise<void> {
  await db.knex('source').where({ name, epoch, incarnation }).whereNot('state', 'alive').update({ settled: true })
}

/** Names of all sources that clients connect to, since the pool began: those that registered a WebSocket endpoint. */
export async function channelServices(db: Database): Promise<string[]> {
  const rows: { name: string }[] = await db
    .knex('source')
    .where('endpoint', 'like', 'ws%')
    .distinct('name')
    .orderBy('name')
  return rows.map((row) => row.name)
}

/** Those of the names that are alive and have reported since `since`. */
export async function aliveSources(db: Database, names: readonly string[], since: number): Promise<string[]> {
  const rows: { name: string }[] = await db
    .knex('source')
    .where('state', 'alive')
    .andWhere('reported_at', '>=', since)
    .whereIn('name', [...names])
    .distinct('name')
    .orderBy('name')
  return rows.map((row) => row.name)
}

/**
 * The time of each alive source's last report, read from the pool database: an outage of the queue cannot hide it.
 * `clockOffMs`: it stamps nothing, because its clock is so far ahead (negative: behind).
 */
export type LastReport = {
  readonly source: string
  readonly epoch: number
  readonly reportedAt: number
  readonly clockOffMs: number | null
}
export async function lastReports(db: Database): Promise<LastReport[]> {
  return db
    .knex('source')
    .where('state', 'alive')
    .orderBy('name')
    .select('name as source', 'epoch', 'reported_at as reportedAt', 'clock_off_ms as clockOffMs')
}

/** Puts on record, for the status, that a source stamps nothing because of its clock; null: it stamps again. */
export async function noteClockOff(
  db: Database,
  { name, epoch, incarnation }: Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  offMs: number | null,
): Promise<void> {
  await db.knex('source').where({ name, epoch, incarnation }).update({ clock_off_ms: offMs })
}
