import { createHash } from 'node:crypto'
import { closeSync } from 'node:fs'
import { type Entry, fromFdPromise, openPromise, type ZipFile } from 'yauzl'
import type { z } from 'zod'
import {
  About,
  chatsEntryOf,
  DATA_FORMAT,
  DATA_LIMITS,
  type DataKind,
  DataManifest,
  entryOf,
  FIRST_DATA_FORMAT,
  meaningOf,
} from './data-format.ts'
import { ChatLine, compareKeys, LINE_KEYS, type LineOf, lineSchema } from './data-lines.ts'
import { DataFileError, parseLines } from './read-jsonl.ts'
import type { DataReport } from './report.ts'

/** A readable data file. Trust its content only after `check`. */
export type DataFile = {
  readonly manifest: DataManifest
  readonly about: About
  /** SHA-256 of manifest.json: equal data has an equal hash */
  readonly identity: string
  has(kind: DataKind): boolean
  lines<K extends DataKind>(kind: K): AsyncIterable<LineOf<K>>
  hasChats(guid: string): boolean
  chats(guid: string): AsyncIterable<{ readonly line: ChatLine; readonly text: string }>
  /** The number of the line within its entry, counted from 1. */
  numberOf(line: object): number | undefined
  /** Size and SHA-256 of an entry, as listed and checked. */
  listed(entry: string): Pick<DataManifest['entries'][number], 'bytes' | 'sha256'> | undefined
  /** The bytes of a file; undefined when the zip lacks them. */
  bytes(entry: string): AsyncIterable<Uint8Array> | undefined
  /** The export's own report: report.json, parsed and checked, or report.html. */
  report(): Promise<{ json: DataReport; html: string }>
  /**
   * Reads everything once, from the first byte to the last. Throws `DataFileError`, which says what is wrong and
   * where.
   */
  check(): Promise<void>
  close(): void
}
type DataLimits = { readonly [K in keyof typeof DATA_LIMITS]: number }

/**
 * Opens a data file by its path or by a descriptor. The descriptor is closed with the file, or when it cannot be
 * opened. Nothing is ever unpacked to the disk, and no name in the zip is used as a path. Throws `DataFileError` for
 * a file that is not a data file, is damaged, or exceeds `limits`.
 */
export async function openDataFile(from: string | number, limits: DataLimits = DATA_LIMITS): Promise<DataFile> {
  const options = { lazyEntries: true, autoClose: false, strictFileNames: true, validateEntrySizes: true }
  const opening = () => (typeof from === 'string' ? openPromise(from, options) : fromFdPromise(from, options))
  const zip = await damaged('It is no zip file', opening).catch((error: unknown) => {
    if (typeof from === 'number') closeSync(from)
    // A missing or unreadable file is reported as such, not as an invalid zip.
    const { code, syscall } = ((error as Error).cause ?? {}) as NodeJS.ErrnoException
    if (syscall === 'open') throw new DataFileError(`It cannot be read: ${code}.`, { cause: error })
    throw error
  })
  try {
    const entries = await readDirectory(zip, limits)
    return await openContents(zip, entries, limits)
  } catch (error) {
    zip.close()
    throw error
  }
}

async function readDirectory(zip: ZipFile, limits: DataLimits): Promise<Map<string, Entry>> {
  if (zip.entryCount > limits.entries)
    throw new DataFileError(`It has ${zip.entryCount} entries; ${limits.entries} are the most there may be.`)
  const entries = new Map<string, Entry>()
  let total = 0
  await damaged('Its directory cannot be read', async () => {
    for await (const entry of zip.eachEntry()) {
      const shown = JSON.stringify(entry.fileName.slice(0, 200))
      if (!meaningOf(entry.fileName)) throw new DataFileError(`It has an entry ${shown}, which no data file has.`)
      if (entries.has(entry.fileName)) throw new DataFileError(`It has two entries ${shown}.`)
      if (!entry.canDecodeFileData())
        throw new DataFileError(`Its entry ${shown} is encrypted or packed in another way.`)
      total += entry.uncompressedSize
      if (total > limits.totalBytes)
        throw new DataFileError(`Unpacked it would have more than ${limits.totalBytes} bytes, the most there may be.`)
      entries.set(entry.fileName, entry)
    }
  })
  return entries
}

async function openContents(zip: ZipFile, entries: Map<string, Entry>, limits: DataLimits): Promise<DataFile> {
  const numbers = new WeakMap<object, number>()
  async function* content(name: string): AsyncGenerator<Uint8Array> {
    const entry = entries.get(name)
    if (!entry) throw new DataFileError(`It has no ${name}.`)
    const stream = await damaged(name, () => zip.openReadStreamPromise(entry))
    try {
      for await (const piece of stream) yield piece as Uint8Array
    } catch (error) {
      throw new DataFileError(`${name}: ${(error as Error).message}.`, { cause: error })
    } finally {
      stream.destroy()
    }
  }
  async function collect(name: string): Promise<Uint8Array[]> {
    if ((entries.get(name)?.uncompressedSize ?? 0) > limits.manifestBytes)
      throw new DataFileError(`${name} is larger than ${limits.manifestBytes} bytes, the largest it may be.`)
    const pieces: Uint8Array[] = []
    for await (const piece of content(name)) pieces.push(piece)
    return pieces
  }
  async function small<T>(name: string, schema: z.ZodType<T>): Promise<{ value: T; sha256: string }> {
    if ((entries.get(name)?.uncompressedSize ?? 0) > limits.manifestBytes)
      throw new DataFileError(`${name} is larger than ${limits.manifestBytes} bytes, the largest it may be.`)
    const pieces: Uint8Array[] = []
    for await (const piece of content(name)) pieces.push(piece)
    const bytes = Buffer.concat(pieces)
    let parsed: unknown
    try {
      parsed = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
    } catch (error) {
      throw new DataFileError(`${name}: ${(error as Error).message.slice(0, 200)}`)
    }
    const { format } = (parsed ?? {}) as { format?: unknown }
    if (format !== DATA_FORMAT && format !== FIRST_DATA_FORMAT)
      throw new DataFileError(
        `${name} says that it is of the format ${JSON.stringify(format)}; this program reads ${DATA_FORMAT} and ${FIRST_DATA_FORMAT}.`,
      )
    return { value: parseShape(name, schema, parsed), sha256: createHash('sha256').update(bytes).digest('hex') }
  }
  async function* typed<T>(name: string, schema: z.ZodType<T>): AsyncGenerator<{ line: T; text: string }> {
    for await (const { number, text, value } of parseLines(name, content(name), { lineBytesMax: limits.lineBytes })) {
      const line = parseShape(`${name}, line ${number}`, schema, value)
      numbers.set(line as object, number)
      yield { text, line }
    }
  }

  const { value: about } = await small('about.json', About)
  const { value: manifest, sha256: identity } = await small('manifest.json', DataManifest)
  if (identity !== about.sha256['manifest.json'])
    throw new DataFileError('manifest.json is not the one that was exported.')
  if (manifest.format !== about.format)
    throw new DataFileError(`about.json is of the format ${about.format}, and manifest.json of ${manifest.format}.`)

  const listed = new Map(manifest.entries.map((entry) => [entry.name, entry]))

  return {
    manifest,
    about,
    identity,
    has: (kind) => entries.has(entryOf(kind)),
    async *lines(kind) {
      if (!entries.has(entryOf(kind))) return
      for await (const { line } of typed(entryOf(kind), lineSchema(kind, manifest.format))) yield line
    },
    hasChats: (guid) => entries.has(chatsEntryOf(guid)),
    chats: (guid) => typed(chatsEntryOf(guid), ChatLine),
    numberOf: (line) => numbers.get(line),
    listed: (name) => listed.get(name),
    bytes: (name) => (entries.has(name) ? content(name) : undefined),
    close: () => zip.close(),
    async report() {
      const text = async (name: 'report.json' | 'report.html') => {
        const bytes = Buffer.concat(await collect(name))
        if (createHash('sha256').update(bytes).digest('hex') !== about.sha256[name])
          throw new DataFileError(`${name} is not the one that was exported.`)
        return bytes.toString('utf8')
      }
      return { json: JSON.parse(await text('report.json')) as DataReport, html: await text('report.html') }
    },
    async check() {
      if (listed.size !== manifest.entries.length) throw new DataFileError('manifest.json lists an entry twice.')
      for (const name of entries.keys()) {
        if (meaningOf(name)?.type !== 'about' && !listed.has(name))
          throw new DataFileError(`It has an entry ${name}, which manifest.json does not list.`)
      }
      for (const [name, sha256] of Object.entries(about.sha256)) {
        if ((await digest(content(name))).sha256 !== sha256)
          throw new DataFileError(`${name} is not the one that was exported.`)
      }
      for (const expected of manifest.entries) {
        const { name } = expected
        const found = entries.get(name)
        if (!found) throw new DataFileError(`It has no ${name}, which manifest.json lists.`)
        if (found.uncompressedSize !== expected.bytes)
          throw new DataFileError(`${name} has ${found.uncompressedSize} bytes; manifest.json says ${expected.bytes}.`)
        const meaning = meaningOf(name)
        const hash = createHash('sha256')
        async function* hashed() {
          for await (const piece of content(name)) {
            hash.update(piece)
            yield piece
          }
        }
        let lines: number | null = null
        if (meaning?.type === 'kind')
          lines = await checkLines(name, hashed(), lineSchema(meaning.kind, manifest.format), LINE_KEYS[meaning.kind])
        else if (meaning?.type === 'chats')
          lines = await checkLines(name, hashed(), ChatLine, (line: ChatLine) => [line.id])
        else for await (const _ of hashed());
        if (hash.digest('hex') !== expected.sha256)
          throw new DataFileError(
            `${name} is not what was exported: its SHA-256 is another one than manifest.json says.`,
          )
        if (lines !== expected.lines)
          throw new DataFileError(`${name} has ${lines} lines; manifest.json says ${expected.lines}.`)
      }
    },
  }

  async function checkLines(
    name: string,
    pieces: AsyncIterable<Uint8Array>,
    schema: z.ZodType,
    keyOf: (line: never) => readonly (string | number)[],
  ): Promise<number> {
    let last: readonly (string | number)[] | undefined
    let count = 0
    for await (const { number, value } of parseLines(name, pieces, { lineBytesMax: limits.lineBytes })) {
      const where = `${name}, line ${number}`
      const key = keyOf(parseShape(where, schema, value) as never)
      if (last && compareKeys(last, key) >= 0)
        throw new DataFileError(`${where}: the lines are not in order, or one is there twice.`)
      last = key
      count = number
    }
    return count
  }
}

function parseShape<T>(where: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value)
  if (result.success) return result.data
  const issue = result.error.issues[0]!
  throw new DataFileError(`${where}: ${issue.path.join('.') || 'it'}: ${issue.message}`)
}

async function digest(content: AsyncIterable<Uint8Array>): Promise<{ sha256: string }> {
  const hash = createHash('sha256')
  for await (const piece of content) hash.update(piece)
  return { sha256: hash.digest('hex') }
}

async function damaged<T>(what: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof DataFileError) throw error
    throw new DataFileError(`${what}: ${(error as Error).message}.`, { cause: error })
  }
}
