import { genesisHead, type SourceProgress, type SourceReport, type SourceState } from '@hansard/compliance-event'
import { type Database, isUniqueViolation } from '@hansard/sql'
import { SourceFenced } from './record-errors.ts'

/**
 * Sources: the service instances that record events, one row for each start of each.
 *
 * The danger is a zombie: a service that was replaced and does not know it. Starting a source ends its
 * predecessor of the same name in the same transaction, and every commit of a source requires its row to be
 * `alive`. So the moment a successor exists, nothing more can be recorded in the predecessor's name, and
 * `last_seq` and `head` of an ended source are final.
 */
export type Source = {
  readonly name: string
  readonly epoch: number
  readonly lastStamp: number
  readonly head: string
}

/**
 * So long after the record has confirmed that it is alive, a service hands out what it hears without asking the record again.
 * So nobody may declare a source dead that has been silent for less: its participants would be out and still hear.
 */
export const CONFIRMED_ALIVE_MS = 5_000
/** A source that reported less than so long ago is not declared dead: twice as long, so that clocks may differ. */
export const SILENT_BEFORE_DEAD_MS = 2 * CONFIRMED_ALIVE_MS

export async function startSource(
  db: Database,
  { name, endpoint, now }: { name: string; endpoint: string; now: number },
): Promise<Source> {
  for (;;) {
    try {
      return await db.knex.transaction(async (tx) => {
        await tx('source').where({ name, state: 'alive' }).update({ state: 'fenced', ended_at: now })
        const before: { epoch: number; last_stamp: number } | undefined = await tx('source')
          .where({ name })
          .orderBy('epoch', 'desc')
          .first('epoch', 'last_stamp')
        const epoch = (before?.epoch ?? 0) + 1
        const startedAt = Math.max(now, before?.last_stamp ?? 0)
        const head = genesisHead(name, epoch)
        await tx('source').insert({
          name,
          epoch,
          state: 'alive',
          endpoint,
          started_at: startedAt,
          last_seq: 0,
          head,
          last_stamp: startedAt,
          reported_at: startedAt,
          settled: false,
        })
        return { name, epoch, lastStamp: startedAt, head }
      })
    } catch (error) {
      // Two instances of one name started at once: the later one takes the next epoch and fences the earlier.
      if (!isUniqueViolation(error)) throw error
    }
  }
}

/** The source ends by its own decision, after its last commit. */
export async function stopSource(
  db: Database,
  { name, epoch, now }: { name: string; epoch: number; now: number },
): Promise<void> {
  await db.knex('source').where({ name, epoch, state: 'alive' }).update({ state: 'stopped', ended_at: now })
}

/**
 * Ends whatever epoch of `name` is alive. Its later commits fail. Answers the epoch ended, or undefined when none was.
 *
 * With `silentSince`, only a source that has not reported since then: one that was started again a moment ago is spared.
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
  return db.knex.transaction(async (tx) => {
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
export async function requireAlive(db: Database, source: Pick<Source, 'name' | 'epoch'>): Promise<void> {
  const { name, epoch } = source
  const row: unknown = await db.knex('source').where({ name, epoch, state: 'alive' }).first('epoch')
  if (!row) throw new SourceFenced(source)
}

/** The states of a source's epochs, oldest first; empty when the name is unknown. */
export async function sourceStates(db: Database, name: string): Promise<SourceState[]> {
  const rows: { state: SourceState }[] = await db.knex('source').where({ name }).orderBy('epoch').select('state')
  return rows.map((row) => row.state)
}

/** What an alive source last reported. */
export type SourceReportSeen = { readonly name: string; readonly epoch: number; readonly reportedAt: number }

export async function aliveReports(db: Database): Promise<SourceReportSeen[]> {
  const rows: { name: string; epoch: number; reported_at: number }[] = await db
    .knex('source')
    .where('state', 'alive')
    .orderBy('name')
    .select('name', 'epoch', 'reported_at')
  return rows.map(({ name, epoch, reported_at }) => ({ name, epoch, reportedAt: reported_at }))
}

/** Where the file services answer that are alive and have reported since `since`. */
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
  state: SourceState
  started_at: number
  last_seq: number
  head: string
  reported_at: number
}

/** Every source that is alive, or ended and not yet settled, in one statement: one moment of the pool. */
export async function readSourceProgress(db: Database, takenAt: number): Promise<SourceProgress> {
  const rows: SourceRow[] = await db
    .knex('source')
    .where('settled', false)
    .orderBy(['name', 'epoch'])
    .select('name', 'epoch', 'state', 'started_at', 'last_seq', 'head', 'reported_at')
  return {
    takenAt,
    sources: rows.map(
      (row): SourceReport => ({
        source: row.name,
        epoch: row.epoch,
        state: row.state,
        startedAt: row.started_at,
        lastSeq: row.last_seq,
        head: row.head,
        reportedAt: row.reported_at,
      }),
    ),
  }
}

/** Call when the compliance database knows that the source ended and holds all its events. */
export async function finishSource(db: Database, { name, epoch }: { name: string; epoch: number }): Promise<void> {
  await db.knex('source').where({ name, epoch }).whereNot('state', 'alive').update({ settled: true })
}

/** Names of all sources that clients connect to, ever since the pool began: those that named a WebSocket as their endpoint. */
export async function channelServices(db: Database): Promise<string[]> {
  const rows: { name: string }[] = await db
    .knex('source')
    .where('endpoint', 'like', 'ws%')
    .distinct('name')
    .orderBy('name')
  return rows.map((row) => row.name)
}

/** Of these, the ones that are alive and have reported since `since`. */
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

/** When each living source last reported, by the pool database itself: what an outage of the queue cannot hide. */
export async function lastReports(db: Database): Promise<{ source: string; epoch: number; reportedAt: number }[]> {
  return db.knex('source').where('state', 'alive').select('name as source', 'epoch', 'reported_at as reportedAt')
}
