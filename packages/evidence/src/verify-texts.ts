import { hash } from 'node:crypto'
import { Readable } from 'node:stream'
import { createGunzip } from 'node:zlib'
import { EVENT_KINDS, type EventKind } from '@hansard/compliance-event'
import { type ParsedChainLine, parseChainLine } from './chain-line.ts'
import { hasIncarnations, type Manifest } from './manifest.ts'
import { cutLines, type EvidenceDirectory } from './read-evidence.ts'
import { nameOfSource } from './source-name.ts'

/** The profile of the series whose documents hold the texts of the events. */
export const RECORD_PROFILE = 'record-1'

type TextFinding = {
  readonly file: string
  readonly message: string
  readonly source?: string | undefined
  readonly seq?: number | undefined
}

/**
 * Computes the leaf of every text of an export of the record series again and compares it with the chain file.
 *
 * The texts stand in the order of the chain file's lines, without the quarantined ones. The first that is not due ends
 * the comparison, since every later one would be out of place. Files that cannot be read are somebody else's finding.
 * Returns how many texts, in whole documents, have the hash that their line has.
 */
export async function verifyTexts(
  directory: EvidenceDirectory,
  manifest: Manifest,
  report: (finding: TextFinding) => void,
): Promise<number> {
  const chainFile = manifest.files.find(({ role }) => role === 'chain')
  if (!chainFile) return 0
  const due = chainLines(directory, chainFile.name, hasIncarnations(manifest.format))
  const counts = new Map<string, number>()
  let matching = 0
  try {
    for (const { name: file, role, events } of manifest.files) {
      if (role !== 'document') continue
      let lines = 0
      let problem: TextFinding | undefined
      for await (const text of textsOf(directory, file)) {
        lines++
        // After a problem only to see that the file can be decompressed to its end.
        if (problem) continue
        const line = (await due.next()).value
        const why = line ? differenceOf(text, line, counts) : 'it has a text that the chain file does not have'
        if (why === undefined) continue
        const place = line && { source: nameOfSource({ ...line, source: nameIn(line) }), seq: line.seq }
        problem = { file, ...place, message: `${file}: ${why} (line ${lines})` }
      }
      if (lines !== events) problem ??= { file, message: `${file} has ${lines} texts, its manifest says ${events}` }
      if (problem) {
        report(problem)
        return matching
      }
      matching += lines
    }
    const missing = (await due.next()).value
    if (missing) {
      const name = `${nameOfSource({ ...missing, source: nameIn(missing) })}/${missing.seq}`
      report({ file: chainFile.name, message: `${chainFile.name}: the text of ${name} is in no document` })
    } else {
      for (const kind of EVENT_KINDS) {
        const [found, said] = [counts.get(kind) ?? 0, manifest.counts[kind] ?? 0]
        if (found === said) continue
        report({ file: chainFile.name, message: `its texts are ${found} events of kind ${kind}, it counts ${said}` })
      }
    }
  } catch (error) {
    if (error instanceof NotTexts) report({ file: error.file, message: `${error.file} ${error.message}` })
    else if (!(error instanceof CannotRead)) throw error
  } finally {
    await due.return(undefined)
  }
  return matching
}

/** Why this text is not the one of the line; undefined when it is. */
function differenceOf(text: Buffer, line: ParsedChainLine, counts: Map<string, number>): string | undefined {
  const source = nameIn(line)
  const due = `${nameOfSource({ ...line, source })}/${line.seq}`
  const event = eventOf(text)
  const found = event && `${nameOfSource(event)}/${event.seq}`
  if (found !== undefined && found !== due) return `the text of ${due} is due, that of ${found} is there`
  if (hash('sha256', text, 'hex') !== line.leaf) return `the text of ${due} does not have the hash that its chain has`
  if (!event) return `the text of ${due} is no event`
  counts.set(event.kind, (counts.get(event.kind) ?? 0) + 1)
  return undefined
}

type EventName = { kind: EventKind; source: string; epoch: number; incarnation: string; seq: number }

function eventOf(text: Buffer): EventName | undefined {
  let value: Partial<EventName> | null
  try {
    value = JSON.parse(text.toString('utf8'))
  } catch {
    return undefined
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return undefined
  const { kind, source, epoch, incarnation = '', seq } = value
  const named = typeof kind === 'string' && typeof source === 'string' && typeof incarnation === 'string'
  return named && Number.isSafeInteger(epoch) && Number.isSafeInteger(seq)
    ? { kind, source, epoch: epoch!, incarnation, seq: seq! }
    : undefined
}

function nameIn({ escapedSource }: ParsedChainLine): string {
  try {
    return decodeURIComponent(escapedSource)
  } catch {
    return escapedSource
  }
}

/** The lines with a text, in order. They were compared with the manifest before; a line that is none ends them. */
async function* chainLines(
  directory: EvidenceDirectory,
  file: string,
  incarnations: boolean,
): AsyncGenerator<ParsedChainLine, undefined> {
  let lines: string[] = []
  const cut = cutLines((line) => lines.push(line))
  for await (const bytes of reading(directory.read(file))) {
    cut.take(bytes)
    for (const text of lines) {
      const line = parseChainLine(text, { incarnations })
      if (!line) throw new CannotRead()
      if (line.quarantinedHead === undefined) yield line
    }
    lines = []
  }
  return undefined
}

/** No event is that long. A file without line breaks must not exhaust the memory. */
const TEXT_BYTES_MAX = 64 << 20

async function* textsOf(directory: EvidenceDirectory, file: string): AsyncGenerator<Buffer> {
  let size = 0
  const gunzip = createGunzip()
  const source = async function* () {
    for await (const bytes of reading(directory.read(file))) {
      size += bytes.length
      yield Uint8Array.from(bytes)
    }
  }
  const input = Readable.from(source(), { objectMode: false })
  input.on('error', (error) => gunzip.destroy(error))
  let rest: Buffer[] = []
  let restBytes = 0
  try {
    for await (const bytes of input.pipe(gunzip) as AsyncIterable<Buffer>) {
      let from = 0
      for (let at = bytes.indexOf(10); at !== -1; at = bytes.indexOf(10, from)) {
        const end = bytes.subarray(from, at)
        yield rest.length === 0 ? end : Buffer.concat([...rest, end])
        rest = []
        restBytes = 0
        from = at + 1
      }
      rest.push(bytes.subarray(from))
      restBytes += bytes.length - from
      if (restBytes > TEXT_BYTES_MAX) throw new NotTexts(file, 'has a line that is too long')
    }
  } catch (error) {
    if (error instanceof NotTexts || error instanceof CannotRead) throw error
    throw new NotTexts(file, 'cannot be decompressed')
  } finally {
    input.destroy()
    gunzip.destroy()
  }
  if (restBytes > 0) throw new NotTexts(file, 'ends within a line')
  // Node ignores what follows the last member, and takes nothing for an empty file.
  if (size === 0 || gunzip.bytesWritten !== size) throw new NotTexts(file, 'cannot be decompressed')
}

async function* reading(chunks: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    yield* chunks
  } catch {
    throw new CannotRead()
  }
}

class CannotRead extends Error {}
class NotTexts extends Error {
  readonly file: string
  constructor(file: string, message: string) {
    super(message)
    this.file = file
  }
}
