import { randomUUID } from 'node:crypto'
import { backoffMs } from '@hansard/backoff'
import type { Clock } from '@hansard/clock'
import type { FileStores } from '@hansard/file-store'
import {
  type Actor,
  type ChangeEvent,
  holdAdmission,
  lockPoolChanges,
  RecordBusy,
  RecordUnavailable,
  type RecordWriter,
} from '@hansard/pool-store'
import { type Database, isTransient, type Knex, releaseLease, takeLease } from '@hansard/sql'
import { type DataKind, entryOf } from './data-format.ts'
import type { DataFile } from './open-data-file.ts'
import { DataFileError } from './read-jsonl.ts'
import type { DataProblem, Tally } from './report.ts'
import { requireAdministrator } from './require-administrator.ts'

export type ImportDeps = {
  readonly db: Database
  readonly clock: Clock
  readonly writer: RecordWriter
  readonly actor: Actor
  /** the room under which changes that concern no room are recorded */
  readonly poolRoomId: number
  /** the two stores for file contents; undefined: contents are not imported */
  readonly fileStores?: FileStores | undefined
  /** Called after each commit with what has changed, for caches. Nothing may depend on it. */
  readonly onChanged?: ((changed: Changed) => void) | undefined
  /** called from time to time */
  readonly onProgress?: ((entry: string, lines: number) => void) | undefined
  /** Stops after the current batch. */
  readonly stop?: AbortSignal | undefined
}
export type Changed = {
  readonly rooms: readonly number[]
  readonly principals: readonly number[]
  /** principals whose feeds changed */
  readonly feeds: readonly number[]
  readonly configuration: boolean
}

/** The import was stopped. Completed batches stay; running the same import again continues from there. */
export class ImportStopped extends Error {
  override name = 'ImportStopped'
}
/** Another import is running in this pool. */
export class ImportBusy extends Error {
  override name = 'ImportBusy'
}

/** What has been found about one entry so far. */
type EntryTally = { counts: Record<string, Record<string, number>>; problems: DataProblem[]; more: number }

const PROBLEMS_PER_ENTRY = 200
/** What may bar somebody from the pool: nobody joins while a batch of it commits. */
const BARRING: ReadonlySet<string> = new Set([entryOf('principals'), entryOf('policies')])
const LEASE_MS = 30_000
const LEASE = 'import-data'

/**
 * One batch: what it reads through, and what it does. A dry run writes nothing; `planned` takes the place of the
 * tables.
 */
export type Step = {
  readonly run: ImportRun
  readonly knex: Knex | Knex.Transaction
  readonly at: number
  readonly events: ChangeEvent[]
  readonly rights: Set<number>
  readonly principals: Set<number>
  readonly feeds: Set<number>
  configuration: boolean
  count(kind: string, outcome: keyof Tally, n?: number): void
  /** `line`: the line of the file concerned */
  problem(subject: string, problem: string, line?: object): void
}

export type ImportRun = ImportDeps & {
  readonly file: DataFile
  readonly dry: boolean
  /** of a dry run: the transaction it reads through */
  readonly reader: Knex.Transaction | undefined
  /** of a dry run: what it would have created, by table and key, with ids below 0, which no row has */
  readonly planned: Map<string, number>
  readonly tallies: Map<string, EntryTally>
  /** names of the categories in the file, by URI */
  readonly categoryNames: Map<string, string>
  /** the key of the last imported line of an entry */
  doneOf(entry: string): readonly (string | number)[] | undefined
  /**
   * Call from time to time during long work between two batches: renews the lease, and throws when the import must
   * stop.
   */
  goOn(): Promise<void>
  /** Runs a batch in one transaction, with its events and the new position in `entry`. */
  batch(entry: string, done: readonly (string | number)[], work: (step: Step) => Promise<void>): Promise<void>
  isReference(kind: DataKind): boolean
}

/** `reader`: of a dry run, a read-only transaction. */
export async function openImportRun(
  file: DataFile,
  deps: ImportDeps,
  reader: Knex.Transaction | undefined,
): Promise<{ run: ImportRun; finish(): Promise<void>; release(): Promise<void> }> {
  const { db, clock, writer, poolRoomId, stop } = deps
  const holder = randomUUID()
  const done = new Map<string, readonly (string | number)[]>()
  const tallies = new Map<string, EntryTally>()
  const categoryNames = await readCategoryNames(file)
  const mine = { import: file.identity }

  let renewedAt = 0
  const renew = async () => {
    if (reader) return
    renewedAt = clock.uptime()
    if (await takeLease(db, { name: LEASE, holder, clock, ttlMs: LEASE_MS })) return
    throw new ImportBusy('Another import is under way in this pool, or was killed less than a minute ago.')
  }
  await renew()
  if (!reader) {
    const rows: { entry: string; done: string; tally: string }[] = await db.knex('import_progress').where(mine)
    for (const row of rows) {
      done.set(row.entry, JSON.parse(row.done) as (string | number)[])
      tallies.set(row.entry, JSON.parse(row.tally) as EntryTally)
    }
  }

  const stopWhenTold = () => {
    if (stop?.aborted) throw new ImportStopped('The import was stopped. The same import again goes on from here.')
  }
  const run: ImportRun = {
    ...deps,
    file,
    dry: reader !== undefined,
    reader,
    planned: new Map(),
    tallies,
    categoryNames,
    doneOf: (entry) => done.get(entry),
    async goOn() {
      stopWhenTold()
      if (clock.uptime() - renewedAt > LEASE_MS / 3) await renew()
    },
    isReference: (kind) => file.manifest.references.includes(kind),
    async batch(entry, through, work) {
      stopWhenTold()
      await renew()
      const attempt = async (knex: Knex | Knex.Transaction, at: number) => {
        const tally = structuredClone(tallies.get(entry) ?? { counts: {}, problems: [], more: 0 })
        const step = openStep(run, knex, at, entry, tally)
        await work(step)
        return { step, tally }
      }
      if (reader) {
        const { tally } = await attempt(reader, clock.now())
        tallies.set(entry, tally)
      } else {
        const { step, tally } = await retrying(clock, () =>
          writer.change(async (tx, at) => {
            if (BARRING.has(entry)) await holdAdmission(tx, db.dialect)
            await lockPoolChanges(tx)
            await requireAdministrator(tx, deps.actor)
            const made = await attempt(tx, at)
            const row = { ...mine, entry, done: JSON.stringify(through), tally: JSON.stringify(made.tally) }
            await tx('import_progress').insert(row).onConflict(['import', 'entry']).merge()
            return { events: made.step.events, rights: [...made.step.rights], result: made }
          }),
        )
        tallies.set(entry, tally)
        done.set(entry, through)
        const rooms = new Set([...step.rights, ...step.events.map((event) => event.roomId)])
        rooms.delete(poolRoomId)
        const { principals, feeds, configuration } = step
        deps.onChanged?.({ rooms: [...rooms], principals: [...principals], feeds: [...feeds], configuration })
      }
    },
  }
  return {
    run,
    async finish() {
      if (reader) return
      await db.knex.transaction(async (tx) => {
        for (const table of ['import_progress', 'import_made']) await tx(table).where(mine).delete()
      })
    },
    async release() {
      if (!reader) await releaseLease(db, { name: LEASE, holder, token: await tokenOf(db, holder) })
    },
  }
}

async function readCategoryNames(file: DataFile): Promise<Map<string, string>> {
  const names = new Map<string, string>()
  const seen = new Set<string>()
  for await (const line of file.lines('categories')) {
    if (seen.has(line.name))
      throw new DataFileError(
        `${entryOf('categories')}, line ${file.numberOf(line)}: two categories are called ${line.name}.`,
      )
    seen.add(line.name)
    names.set(line.uri, line.name)
  }
  return names
}

async function tokenOf(db: Database, holder: string): Promise<number> {
  const row: { token: number } | undefined = await db.knex('lease').where({ name: LEASE, holder }).first('token')
  return row?.token ?? -1
}

function openStep(run: ImportRun, knex: Knex | Knex.Transaction, at: number, entry: string, tally: EntryTally): Step {
  return {
    run,
    knex,
    at,
    events: [],
    rights: new Set(),
    principals: new Set(),
    feeds: new Set(),
    configuration: false,
    count(kind, outcome, n = 1) {
      const counts = tally.counts[kind] ?? {}
      tally.counts[kind] = counts
      counts[outcome] = (counts[outcome] ?? 0) + n
    },
    problem(subject, problem, line) {
      const number = line === undefined ? null : (run.file.numberOf(line) ?? null)
      if (tally.problems.length >= PROBLEMS_PER_ENTRY) tally.more += 1
      else tally.problems.push({ entry, line: number, subject: subject.slice(0, 300), problem })
    },
  }
}

/** A batch and its preparation are atomic and repeatable, so one of unknown outcome may be retried. */
async function retrying<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      const transient = error instanceof RecordUnavailable || error instanceof RecordBusy || isTransient(error)
      if (!transient || attempt >= 8) throw error
      await clock.sleep(backoffMs(attempt, { delayMs: 200, delayMaxMs: 25_000 }))
    }
  }
}

/**
 * Calls `work` for the lines of an entry that are not imported yet, as many at a time as suit one transaction.
 * `prepare` runs before the transaction, for slow work; nothing it does may depend on the transaction committing.
 */
export async function inBatches<L>(
  run: ImportRun,
  entry: string,
  lines: AsyncIterable<L>,
  keyOf: (line: L) => readonly (string | number)[],
  compare: (a: readonly (string | number)[], b: readonly (string | number)[]) => number,
  work: (step: Step, lines: readonly L[]) => Promise<void>,
  prepare?: (lines: readonly L[]) => Promise<void>,
): Promise<void> {
  const through = run.doneOf(entry)
  let batch: L[] = []
  let characters = 0
  let count = 0
  const flush = async () => {
    const last = batch.at(-1)
    if (last === undefined) return
    const ready = batch
    batch = []
    characters = 0
    if (prepare) await retrying(run.clock, () => prepare(ready))
    await run.batch(entry, keyOf(last), (step) => work(step, ready))
    run.onProgress?.(entry, count)
  }
  for await (const line of lines) {
    count += 1
    if (through && compare(keyOf(line), through) <= 0) continue
    batch.push(line)
    characters += JSON.stringify(line).length
    if (batch.length >= LINES_AT_ONCE || characters >= CHARACTERS_AT_ONCE) await flush()
  }
  await flush()
}
const LINES_AT_ONCE = 250
const CHARACTERS_AT_ONCE = 1_024 * 1_024
