import type { Readable } from 'node:stream'
import type { Clock } from '@hansard/clock'
import { FileStoreFull, WrongOffset } from '@hansard/file-store'
import { type FileToken, findFile, findFileToken } from '@hansard/pool-store'
import { type FileServiceDeps, refused } from './deps.ts'
import { finishUpload } from './finish-upload.ts'
import { tellIfMay } from './tell-if-may.ts'
import { endOf, type UploadAnswer } from './upload-answer.ts'

/**
 * Receives a piece of an upload, and completes the upload after the last piece.
 *
 * The bytes are on the disk that all file services share, so the next piece may go to another service, or to this one
 * after it was killed. A request repeated after completion, by a client that missed the answer or by another one,
 * gets the same answer, and its body is ignored.
 */
export async function receiveUpload(deps: FileServiceDeps, asked: Asked): Promise<UploadAnswer> {
  const { db, clock } = deps
  const token = await findFileToken(db.knex, { token: asked.token, kind: 'upload', now: clock.now() })
  return tellIfMay(deps, token, (token) => receiveInTurn(deps, asked, token))
}

type Asked = {
  readonly token: string
  /** offset of the piece; 0 starts over */
  readonly offset: number
  readonly body: Readable
  /** bytes of the body, if the client announced them */
  readonly length: number | undefined
  /** SHA-256 of the whole file as given by the client, in lower-case hex */
  readonly sha256: string | undefined
  /** the service is stopping */
  readonly signal: AbortSignal
}

async function receiveInTurn(deps: FileServiceDeps, asked: Asked, token: FileToken): Promise<UploadAnswer> {
  const { clock, transfers, config } = deps
  if (token.file.state !== 'uploading') return endOf(token.file)
  if (asked.offset + (asked.length ?? 0) > token.file.size) return refused('too-much-data')
  const leave = transfers.enter(token.principalId)
  if (!leave) return refused('too-many-transfers')
  const cut = new AbortController()
  const stop = AbortSignal.any([cut.signal, asked.signal])
  const timer = clock.after(config.transferMs, () => cut.abort())
  try {
    const done = await transfers.take(token.file.id, () => cut.abort())
    try {
      return await receive(deps, { ...asked, signal: stop }, token)
    } finally {
      done()
    }
  } finally {
    timer.cancel()
    leave()
  }
}

async function receive(deps: FileServiceDeps, asked: Asked, token: FileToken): Promise<UploadAnswer> {
  const { db, clock, log, files, config } = deps
  if (asked.signal.aborted) return refused('superseded')
  // While this request waited, another one may have completed the upload.
  const file = (await findFile(db.knex, token.file.id))!
  if (file.state !== 'uploading') return endOf(file)

  const content = watched(asked.body, { clock, idleMs: config.idleMs, signal: asked.signal })
  try {
    const received = await files.receive(file.id, content, { offset: asked.offset, sizeMax: file.size })
    if (received.kind === 'excess') return refused('too-much-data')
    if (received.size < file.size) return { kind: 'incomplete', received: received.size, size: file.size }
  } catch (error) {
    if (error instanceof WrongOffset) return { kind: 'wrong-offset', received: error.received, size: file.size }
    if (error instanceof FileStoreFull) {
      log.error({ err: error, hint: error.hint }, 'a file store is full; uploads are refused')
      return refused('store-full')
    }
    if (error instanceof BodyBroken) return refused('superseded')
    throw error
  }
  return finishUpload(deps, { token: { ...token, file }, sha256: asked.sha256 })
}

/** The body ended early, or timed out. The bytes that arrived before that are kept. */
class BodyBroken extends Error {
  override name = 'BodyBroken'
}

/** A request's body, until it times out or is cancelled. Leaves the connection open for the answer. */
async function* watched(
  body: Readable,
  { clock, idleMs, signal }: { clock: Clock; idleMs: number; signal: AbortSignal },
): AsyncGenerator<Uint8Array> {
  const callOff = (why: string) => () => body.destroy(new BodyBroken(why))
  const superseded = callOff('called off')
  signal.addEventListener('abort', superseded, { once: true })
  let timer = clock.after(idleMs, callOff('idle'))
  try {
    if (signal.aborted) throw new BodyBroken('called off')
    for await (const piece of body.iterator({ destroyOnReturn: false }) as AsyncIterable<Uint8Array>) {
      timer.cancel()
      yield piece
      timer = clock.after(idleMs, callOff('idle'))
    }
  } catch (error) {
    throw error instanceof BodyBroken ? error : new BodyBroken('the connection broke', { cause: error })
  } finally {
    timer.cancel()
    signal.removeEventListener('abort', superseded)
  }
}
