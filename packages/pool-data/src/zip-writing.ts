import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { Readable } from 'node:stream'
import { ZipFile } from 'yazl'
import { DATA_LIMITS, type DataManifest } from './data-format.ts'

/** Facts about a written entry. */
export type WrittenEntry = DataManifest['entries'][number]

/** A zip that is written entry by entry, no faster than it is read. */
export type ZipWriting = {
  readonly stream: Readable
  /** Resolves when the entry has been read from `stream`. */
  lines(name: string, lines: AsyncIterable<object> | Iterable<object>): Promise<WrittenEntry>
  bytes(name: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>): Promise<WrittenEntry>
  end(): Promise<void>
  /** chunks taken so far; it stays constant while nobody reads */
  taken(): number
  fail(error: Error): void
}

export function openZipWriting(): ZipWriting {
  const zip = new ZipFile()
  const stream = zip.outputStream as Readable
  const ended = new AbortController()
  let failure: Error | undefined
  let taken = 0
  stream.once('close', () => ended.abort())
  zip.on('error', (error: Error) => fail(error))

  function fail(error: Error): void {
    failure ??= error
    stream.destroy(error)
    ended.abort()
  }

  async function bytes(name: string, content: AsyncIterable<Uint8Array> | Iterable<Uint8Array>, lines = null) {
    const hash = createHash('sha256')
    let size = 0
    async function* counted() {
      for await (const piece of content) {
        hash.update(piece)
        size += piece.byteLength
        taken += 1
        yield piece
      }
    }
    const source = Readable.from(counted(), { objectMode: false })
    source.on('error', fail)
    // Nothing in the zip says when it was made, so equal contents are equal zips.
    zip.addReadStreamLazy(name, { mtime: new Date(0), forceDosTimestamp: true, mode: 0o100644 }, (give) =>
      give(null, source),
    )
    await once(source, 'close', { signal: ended.signal }).catch((cause: unknown) => {
      throw failure ?? new Error('The export was not read to its end.', { cause })
    })
    if (failure) throw failure
    return { name, bytes: size, lines, sha256: hash.digest('hex') }
  }

  return {
    stream,
    fail,
    taken: () => taken,
    bytes,
    async lines(name, lines) {
      let count = 0
      const written = await bytes(
        name,
        (async function* () {
          let waiting: string[] = []
          let characters = 0
          for await (const line of lines) {
            const text = `${JSON.stringify(line)}\n`
            if (text.length * 3 > DATA_LIMITS.lineBytes && Buffer.byteLength(text) > DATA_LIMITS.lineBytes)
              throw new Error(`Line ${count + 1} of ${name} is longer than the format allows.`)
            count += 1
            waiting.push(text)
            characters += text.length
            if (characters < PIECE) continue
            yield Buffer.from(waiting.join(''))
            waiting = []
            characters = 0
          }
          yield Buffer.from(waiting.join(''))
        })(),
      )
      return { ...written, lines: count }
    },
    async end() {
      zip.end()
      if (!stream.readableEnded) await once(stream, 'close', { signal: ended.signal }).catch(() => {})
      if (failure) throw failure
    },
  }
}

const PIECE = 65_536
