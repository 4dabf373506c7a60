import { createHash } from 'node:crypto'
import type { Readable } from 'node:stream'
import type { Clock } from '@hansard/clock'
import type { FileStore } from '@hansard/file-store'
import { type Database, type Knex, withSnapshot } from '@hansard/sql'
import { About, chatsEntryOf, contentsOf, DATA_FORMAT, type ExportLevel, entryOf, fileEntryOf } from './data-format.ts'
import type { LineOf } from './data-lines.ts'
import { piecesOf, selectRows } from './ordered-ids.ts'
import { type Reading, readChats, readLines } from './read-lines-of-pool.ts'
import { type DataProblem, type DataReport, reportHtml, reportJson, type Tally } from './report.ts'
import { openZipWriting, type WrittenEntry, type ZipWriting } from './zip-writing.ts'

export type ExportOptions = {
  readonly db: Database
  readonly clock: Clock
  readonly pool: string
  readonly domain: string
  /** account of the exporter */
  readonly by: string
  readonly level: ExportLevel
  /** names of categories; undefined: all */
  readonly scope?: readonly string[] | undefined
  /** milliseconds; of level `room-directory` only */
  readonly start?: number | undefined
  /** the stores to read file contents from, if contents are included */
  readonly fileStore?: FileStore | undefined
  /** rooms that this export disabled; see `disableRooms` */
  readonly disabledHere?: ReadonlySet<number> | undefined
  /**
   * Aborts when the reader has been idle for this many milliseconds, because the export holds a snapshot of the pool.
   */
  readonly stallMs?: number | undefined
}

/** Refused: the request makes no sense or names a category that does not exist. */
export class ExportRefused extends Error {
  override name = 'ExportRefused'
}

/** The ids of the categories an export is limited to. Throws `ExportRefused` for anything that cannot be exported. */
export async function resolveScope(
  knex: Knex | Knex.Transaction,
  { level, scope, start }: Pick<ExportOptions, 'level' | 'scope' | 'start'>,
): Promise<number[] | undefined> {
  if (start !== undefined && level !== 'room-directory')
    throw new ExportRefused('A start is for the level room-directory only.')
  if (!scope) return undefined
  if (level === 'user') throw new ExportRefused('Users belong to no category: the level user takes no scope.')
  const rows: { id: number; name: string }[] = await knex('category').whereIn('name', scope).select('id', 'name')
  const missing = scope.filter((name) => !rows.some((row) => row.name === name))
  if (missing.length > 0) throw new ExportRefused(`There is no category ${missing.map((n) => `"${n}"`).join(', ')}.`)
  return rows.map((row) => row.id)
}

/**
 * Exports a pool, or part of it, from one snapshot.
 *
 * `stream` is a zip in the format of docs/data-format.md, produced while it is read; an error destroys it. `done`
 * resolves with the report once the stream has been read to its end. Memory is bounded by the exported ids, the
 * longest list of one room, category or group, and one entry name per room.
 */
export async function exportData(options: ExportOptions): Promise<{ stream: Readable; done: Promise<DataReport> }> {
  await resolveScope(options.db.knex, options)
  const zip = openZipWriting()
  const watch = watchForStall(zip, options)
  const done = withSnapshot(options.db, (tx) => write(zip, tx, options)).finally(watch)
  done.catch((error: unknown) => zip.fail(error as Error))
  return { stream: zip.stream, done }
}

async function write(zip: ZipWriting, tx: Knex.Transaction, options: ExportOptions): Promise<DataReport> {
  const { db, clock, pool, domain, by, level, scope, start, fileStore } = options
  const contents = contentsOf(level, scope !== undefined)
  const scopeIds = await resolveScope(tx, options)
  const selection = await selectRows(tx, db.dialect, { contents, scope: scopeIds, start })
  const { references } = contents
  const disabledHere = options.disabledHere ?? new Set()
  const reading: Reading = { tx, dialect: db.dialect, selection, references, disabledHere, chats: contents.chats }
  const entries: WrittenEntry[] = []
  const counts: Record<string, Tally> = {}
  const problems: DataProblem[] = []
  const kept: LineOf<'files'>[] = []

  for (const kind of contents.kinds) {
    const entry = await zip.lines(
      entryOf(kind),
      noting(readLines(reading, kind), (line) => {
        if (kind === 'files' && fileStore) kept.push(line as LineOf<'files'>)
      }),
    )
    entries.push(entry)
    counts[kind] = { exported: entry.lines ?? 0 }
  }
  let chats = 0
  let unlogged = 0
  if (contents.chats) {
    for (const piece of piecesOf(selection.rooms, 400)) {
      const rows: { id: number; uri: string; last_chat_id: number }[] = await tx('room').whereIn('id', piece)
      for (const id of piece) {
        const room = rows.find((row) => row.id === id)!
        if (room.last_chat_id === 0) continue
        const lines = noting(readChats(tx, id), (line) => {
          if (line.unlogged) unlogged += 1
        })
        const entry = await zip.lines(chatsEntryOf(room.uri.slice(room.uri.lastIndexOf('/') + 1)), lines)
        entries.push(entry)
        chats += entry.lines ?? 0
      }
    }
    counts['chats'] = { exported: chats }
  }
  for (const file of kept) {
    const entry = await writeFile(zip, fileStore!, file)
    if (entry) entries.push(entry)
    else {
      const problem = 'Its bytes are not in the file store, or not what is on record; they are not in the export.'
      problems.push({ entry: fileEntryOf(file.storedName), line: null, subject: file.id, problem })
    }
  }
  if (fileStore) counts['bytes of files'] = { exported: kept.length - problems.length }

  const at = new Date(clock.now()).toISOString()
  const manifest = { format: DATA_FORMAT, level, scope: scope ?? null, start: start ?? null, references, entries }
  const leftOut = await sayWhatIsLeftOut(tx, { ...options, unlogged, rooms: selection.rooms.length })
  const since = start === undefined ? null : new Date(start).toISOString()
  const what = 'export' as const
  const told = { what, pool, by, at, level, scope: scope ?? null, start: since, counts, leftOut }
  const report: DataReport = {
    ...told,
    problems: problems.slice(0, 1_000),
    problemsMore: Math.max(0, problems.length - 1_000),
  }
  const last = {
    'manifest.json': `${JSON.stringify(manifest)}\n`,
    'report.json': reportJson(report),
    'report.html': reportHtml(report),
  }
  const sha256: Record<string, string> = {}
  for (const [name, text] of Object.entries(last)) {
    sha256[name] = createHash('sha256').update(text).digest('hex')
    await zip.bytes(name, [Buffer.from(text)])
  }
  const about = About.parse({ format: DATA_FORMAT, pool, domain, exportedAt: at, exportedBy: by, sha256 })
  await zip.bytes('about.json', [Buffer.from(`${JSON.stringify(about)}\n`)])
  await zip.end()
  return report
}

async function* noting<T extends object>(lines: AsyncIterable<T>, note: (line: T) => void): AsyncGenerator<T> {
  for await (const line of lines) {
    note(line)
    yield line
  }
}

/** Undefined when the bytes differ from the record. They are read twice, because a zip entry cannot be withdrawn. */
async function writeFile(zip: ZipWriting, store: FileStore, file: LineOf<'files'>): Promise<WrittenEntry | undefined> {
  const opened = await store.open(file.storedName)
  if (!opened) return undefined
  try {
    const read = () => (opened.size === 0 ? [] : opened.read(0, opened.size - 1))
    const hash = createHash('sha256')
    for await (const piece of read()) hash.update(piece as Uint8Array)
    if (opened.size !== file.size || hash.digest('hex') !== file.sha256) return undefined
    return await zip.bytes(fileEntryOf(file.storedName), read() as AsyncIterable<Uint8Array>)
  } finally {
    await opened.close()
  }
}

async function sayWhatIsLeftOut(
  tx: Knex.Transaction,
  {
    level,
    scope,
    start,
    fileStore,
    unlogged,
    rooms,
    disabledHere,
  }: ExportOptions & { unlogged: number; rooms: number },
): Promise<string[]> {
  const count = async (query: Knex.QueryBuilder) => Number(((await query.count('* as n').first()) as { n: unknown }).n)
  const said = [
    'Passwords, keys, tokens and the signing key: nobody’s secret leaves a pool. Who is new where this is imported needs a new one.',
  ]
  const all = contentsOf('all', false).kinds
  const { kinds, references, chats } = contentsOf(level, scope !== undefined)
  const absent = [...all.filter((kind) => !kinds.includes(kind)), ...(chats ? [] : ['chats'])]
  if (absent.length > 0) said.push(`Not part of this export: ${absent.join(', ')}.`)
  if (references.length > 0)
    said.push(`Only as far as the rest names them, and never laid over what exists: ${references.join(', ')}.`)
  if (references.includes('principals')) said.push('Roles in the pool and policies of the people named.')
  if (kinds.includes('rooms')) {
    const deleted = await count(tx('room').whereNotNull('category_id').whereNotNull('deleted_at'))
    if (deleted > 0)
      said.push(`${deleted} deleted rooms with their chats: retention decides about them where they are.`)
    const others = (await count(tx('room').whereNotNull('category_id').whereNull('deleted_at'))) - rooms
    if (others > 0)
      said.push(`${others} rooms that are not of ${start === undefined ? 'these categories' : 'this choice'}.`)
    if (disabledHere?.size === 1) said.push('1 room was disabled for this export; it is in it as it was before.')
    else if (disabledHere)
      said.push(`${disabledHere.size} rooms were disabled for this export; they are in it as they were before.`)
  }
  if (unlogged > 0)
    said.push(
      `The text of ${unlogged} chats in rooms without history: only their places are kept, and the compliance record.`,
    )
  if (kinds.includes('files')) {
    const unfinished = await count(tx('file').whereNot({ state: 'kept' }))
    if (unfinished > 0) said.push(`${unfinished} files that are not complete, infected, expired or deleted.`)
    if (!fileStore) said.push('The bytes of files: copy the directory of the file store by hand, or export with files.')
  }
  said.push('Who is in which room now, the state of the pool and its servers, what is set up for compliance.')
  said.push('The compliance record: the exports of the archive hold it.')
  return said
}

/** Aborts the export when its reader has been idle for too long. Returns a function that stops the watch. */
function watchForStall(zip: ZipWriting, { clock, stallMs = 120_000 }: ExportOptions): () => void {
  let seen = -1
  const look = () => {
    if (seen === zip.taken()) return zip.fail(new Error('The export was given up: nobody has read it for a while.'))
    seen = zip.taken()
    timer = clock.after(stallMs, look)
  }
  let timer = clock.after(stallMs, look)
  return () => timer.cancel()
}
