import { Readable } from 'node:stream'
import type { OpenedFile } from '@hansard/file-store'
import type { Transfer } from '@hansard/pool-commands'
import { findFileToken, type PoolFile } from '@hansard/pool-store'
import { type ByteRange, parseByteRange } from './byte-range.ts'
import { type FileServiceDeps, type Refused, refused } from './deps.ts'

export type DownloadAnswer =
  | Refused
  | { readonly kind: 'unsatisfiable'; readonly size: number }
  | {
      readonly kind: 'sending'
      readonly file: PoolFile & { readonly sha256: string }
      /** undefined: the whole file */
      readonly range: ByteRange | undefined
      readonly body: Readable
    }

type Asked = {
  readonly token: string
  /** The token came in the URL, which browsers and proxies store. */
  readonly inUrl: boolean
  readonly range: string | undefined
  readonly ifRange: string | undefined
  /** the service is stopping */
  readonly signal: AbortSignal
}

/**
 * Sends a file, or a range of it.
 *
 * The download is on record before the first byte leaves: every request that starts at the beginning, and the first
 * one of a token wherever it starts. A request that resumes an earlier one is part of that one.
 *
 * A token in a header works until it expires. A token in a URL works once from the beginning; after that it only
 * resumes the download, for a client that gives the file's hash in If-Range, as browsers do. So a URL found in a
 * browser history or a proxy's log is useless.
 */
export async function sendDownload(deps: FileServiceDeps, asked: Asked): Promise<DownloadAnswer> {
  const { db, clock, log, files, transfers, commands } = deps
  const token = await findFileToken(db.knex, { token: asked.token, kind: 'download', now: clock.now() })
  if (token?.file.state !== 'kept' || token.file.sha256 === undefined) return refused('no-such-file')
  const file = { ...token.file, sha256: token.file.sha256 }
  const transfer: Transfer = { operation: 'download-file', roomId: file.roomId, principalId: token.principalId }
  if (!(await commands.mayTransfer(transfer))) return refused('no-such-file')

  const sameFile = asked.ifRange === undefined || asked.ifRange === etagOf(file)
  const range = sameFile ? parseByteRange(asked.range, file.size) : undefined
  const start = range === 'unsatisfiable' ? undefined : (range?.start ?? 0)
  if (asked.inUrl && token.usedAt !== undefined && (!start || asked.ifRange !== etagOf(file)))
    return refused('no-such-file')
  if (range === 'unsatisfiable') return { kind: 'unsatisfiable', size: file.size }

  const leave = transfers.enter(token.principalId)
  if (!leave) return refused('too-many-transfers')
  let opened: OpenedFile | undefined
  try {
    opened = await files.open(file.storedName)
    if (opened?.size !== file.size) {
      log.error(
        { file: file.id, size: opened?.size, expected: file.size },
        'a file is not in the file store as recorded',
      )
      await opened?.close()
      leave()
      return refused('try-again')
    }
    const once = asked.inUrl && start === 0
    const begins = start === 0 || token.usedAt === undefined
    if (begins && !(await commands.recordDownload(token, file, { once }))) {
      await opened.close()
      leave()
      return refused('no-such-file')
    }
  } catch (error) {
    await opened?.close()
    leave()
    throw error
  }
  const end = range?.end ?? file.size - 1
  const cut = () => void body.destroy(new CutOff('The client reads nothing.'))
  const content = send(deps, { opened, range: { start: start!, end }, signal: asked.signal, cut, transfer })
  const body = Readable.from(content, { objectMode: false, highWaterMark: 65_536 })
  // Not left to the generator: it never starts if the client disconnects before the first byte.
  body.once('close', () => {
    leave()
    const closed = content.return(undefined).then(() => opened.close())
    closed.catch((error: unknown) => log.warn({ err: error, file: file.id }, 'a file could not be closed'))
  })
  return { kind: 'sending', file, range, body }
}

export function etagOf(file: { readonly sha256: string }): string {
  return `"${file.sha256}"`
}

/** The bytes, as long as the reader reads and has access. */
async function* send(
  { clock, config, commands }: FileServiceDeps,
  options: {
    opened: OpenedFile
    range: ByteRange
    signal: AbortSignal
    cut: () => void
    transfer: Transfer
  },
): AsyncGenerator<Uint8Array> {
  const { opened, range, signal, cut, transfer } = options
  if (range.end < range.start) return
  const begunAt = clock.uptime()
  let lookedAt = begunAt
  const source = opened.read(range.start, range.end)
  for await (const piece of source as AsyncIterable<Uint8Array>) {
    const now = clock.uptime()
    if (signal.aborted || now - begunAt > config.transferMs) throw new CutOff('The transfer was cancelled.')
    if (now - lookedAt >= config.accessCheckMs) {
      lookedAt = now
      if (!(await commands.mayTransfer(transfer))) throw new CutOff('The right to download was removed.')
    }
    const timer = clock.after(config.idleMs, cut)
    try {
      yield piece
    } finally {
      timer.cancel()
    }
  }
}

/** A download ends early. The connection is destroyed so that the client notices. */
class CutOff extends Error {
  override name = 'CutOff'
}
