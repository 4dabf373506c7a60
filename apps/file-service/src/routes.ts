import type { IncomingMessage } from 'node:http'
import type { Clock } from '@hansard/clock'
import { contentDisposition } from '@hansard/file-store'
import { RecordBusy, RecordStopped, RecordUnavailable, SourceFenced } from '@hansard/pool-store'
import { fileUri } from '@hansard/rooms'
import { isTransient } from '@hansard/sql'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { FileServiceDeps, RefusalCode } from './deps.ts'
import { receiveUpload } from './receive-upload.ts'
import { type DownloadAnswer, etagOf, sendDownload } from './send-download.ts'
import { tellOffset } from './tell-offset.ts'
import type { UploadAnswer } from './upload-answer.ts'

const REFUSALS: Record<RefusalCode | 'malformed', readonly [status: number, message: string]> = {
  malformed: [400, 'The request is malformed. docs/files.md describes the protocol.'],
  'no-such-file': [404, 'There is no such file, or the token is not valid for it any more. Request a new one.'],
  'wrong-offset': [409, 'The piece does not begin where the last one ended: see Upload-Offset.'],
  'too-much-data': [413, 'More bytes arrived than were announced. This piece was discarded.'],
  'wrong-digest': [422, 'The bytes do not match Repr-Digest. Start over at 0.'],
  infected: [422, 'The virus scanner found something. The upload was refused.'],
  superseded: [409, 'A later request has taken over this upload, or the connection broke.'],
  conflict: [409, 'The received bytes changed while they were being checked. Request a new token.'],
  'store-full': [507, 'There is no space for the file now. Try again later; the bytes that have arrived stay.'],
  'too-many-transfers': [429, 'Too many transfers are running. Try again in a moment.'],
  'try-again': [503, 'The request cannot be completed now. Try again in a moment; the bytes that have arrived stay.'],
}
const TRY_AGAIN = new Set<RefusalCode>(['store-full', 'too-many-transfers', 'try-again'])

/** How long the rest of a refused body is read, so that the client gets to read the answer. */
const REST_MS = 10_000

/** Adds the routes of the file service: `/files/upload`, `/files/download` and `/files/d/<token>`. */
export function addFileRoutes(app: FastifyInstance, deps: FileServiceDeps, signal: AbortSignal): void {
  void app.register(
    async (scope) => {
      // Bodies are bytes, whatever their content type; the use case reads them as a stream.
      scope.removeAllContentTypeParsers()
      scope.addContentTypeParser('*', (_request, _payload, done) => done(null))
      scope.addHook('onSend', async (_request, reply) => {
        reply.headers(SAFE)
      })
      scope.setErrorHandler((error, request, reply) => {
        deps.log.warn({ err: error, route: request.routeOptions.url }, 'a file request failed')
        return refuse(reply, isPassing(error) ? 'try-again' : 'malformed')
      })
      scope.setNotFoundHandler((_request, reply) => refuse(reply, 'no-such-file'))

      scope.route({
        method: ['PUT', 'PATCH'],
        url: '/upload',
        config: { longBody: true },
        async handler(request, reply) {
          const asked = uploadAsked(request)
          if (asked === 'malformed') return refuse(reply, 'malformed')
          const token = bearer(request)
          reply.raw.once('finish', () => readRest(request.raw, deps.clock))
          const answer = await receiveUpload(deps, { ...asked, token, body: request.raw, signal })
          return answerUpload(deps, reply, answer)
        },
      })
      scope.head('/upload', async (request, reply) =>
        answerUpload(deps, reply, await tellOffset(deps, { token: bearer(request) })),
      )
      const download = (inUrl: boolean) => async (request: FastifyRequest, reply: FastifyReply) => {
        const token = inUrl ? (request.params as { token: string }).token : bearer(request)
        const { range, 'if-range': ifRange } = request.headers
        return answerDownload(
          reply,
          await sendDownload(deps, { token, inUrl, range, ifRange: ifRange as string, signal }),
        )
      }
      scope.route({ method: 'GET', url: '/download', exposeHeadRoute: false, handler: download(false) })
      scope.route({ method: 'GET', url: '/d/:token', exposeHeadRoute: false, handler: download(true) })
    },
    { prefix: '/files' },
  )
}

/**
 * Whatever a file contains, a browser must save it and neither show nor run it, pages of other origins must not read
 * it, and no cache may store it.
 */
const SAFE = {
  'x-content-type-options': 'nosniff',
  'content-security-policy': "default-src 'none'; sandbox",
  'cross-origin-resource-policy': 'same-origin',
  'cache-control': 'private, no-store',
  'referrer-policy': 'no-referrer',
  'x-frame-options': 'DENY',
}

/**
 * The client of a refused upload is still sending. It reads the answer when it has finished; otherwise it is
 * disconnected.
 */
function readRest(body: IncomingMessage, clock: Clock): void {
  if (body.complete || body.destroyed) return
  const timer = clock.after(REST_MS, () => body.destroy())
  body.once('close', () => timer.cancel())
  body.once('end', () => timer.cancel())
  body.resume()
}

function bearer(request: FastifyRequest): string {
  return /^Bearer ([A-Za-z0-9_-]{43})$/i.exec(request.headers.authorization ?? '')?.[1] ?? ''
}

type UploadAsked = { offset: number; length: number | undefined; sha256: string | undefined }

function uploadAsked(request: FastifyRequest): UploadAsked | 'malformed' {
  const { 'content-length': length, 'content-range': range, 'repr-digest': digest } = request.headers
  // Clients that resume by themselves send Content-Range. Ignoring it would treat the end of the file as a new
  // upload.
  const from = range === undefined ? undefined : /^bytes (\d{1,15})-\d+\/(?:\d+|\*)$/.exec(range)?.[1]
  if (range !== undefined && from === undefined) return 'malformed'
  const offset = request.headers['upload-offset'] ?? from
  if (from !== undefined && Number(offset) !== Number(from)) return 'malformed'
  // PUT sends a file from its beginning. To resume, PATCH and PUT give an offset.
  if (offset === undefined && request.method === 'PATCH') return 'malformed'
  if (offset !== undefined && !/^\d{1,15}$/.test(String(offset))) return 'malformed'
  const match = digest === undefined ? undefined : /(?:^|,)\s*sha-256=:([A-Za-z0-9+/]{43}=):/.exec(String(digest))
  if (match === null) return 'malformed'
  const sha256 = match && Buffer.from(match[1]!, 'base64').toString('hex')
  return { offset: Number(offset ?? 0), length: length === undefined ? undefined : Number(length), sha256 }
}

function answerUpload({ domain }: FileServiceDeps, reply: FastifyReply, answer: UploadAnswer): FastifyReply {
  switch (answer.kind) {
    case 'refused':
      return refuse(reply, answer.code)
    case 'wrong-offset':
      return refuse(offsets(reply, answer.received, answer.size), 'wrong-offset')
    case 'incomplete': {
      const { received, size } = answer
      return offsets(reply, received, size)
        .code(reply.request.method === 'HEAD' ? 200 : 202)
        .send({ received, size })
    }
    case 'complete': {
      const { id, size, sha256, fileName } = answer.file
      const body = { file: id, link: fileUri(domain, id), fileName, size, sha256 }
      return offsets(reply, size, size)
        .code(answer.repeated ? 200 : 201)
        .send(body)
    }
  }
}

function offsets(reply: FastifyReply, received: number, size: number): FastifyReply {
  return reply.headers({ 'upload-offset': String(received), 'upload-length': String(size) })
}

function answerDownload(reply: FastifyReply, answer: DownloadAnswer): FastifyReply {
  if (answer.kind === 'refused') return refuse(reply, answer.code)
  if (answer.kind === 'unsatisfiable') return reply.code(416).header('content-range', `bytes */${answer.size}`).send()
  const { file, range, body } = answer
  const length = range ? range.end - range.start + 1 : file.size
  if (range) reply.code(206).header('content-range', `bytes ${range.start}-${range.end}/${file.size}`)
  return reply
    .headers({
      'content-type': 'application/octet-stream',
      'content-disposition': contentDisposition(file.fileName),
      'content-length': String(length),
      'accept-ranges': 'bytes',
      etag: etagOf(file),
      'repr-digest': `sha-256=:${Buffer.from(file.sha256, 'hex').toString('base64')}:`,
    })
    .send(body)
}

function refuse(reply: FastifyReply, code: RefusalCode | 'malformed'): FastifyReply {
  const [status, message] = REFUSALS[code]
  if (TRY_AGAIN.has(code as RefusalCode)) reply.header('retry-after', '2')
  return reply.code(status).send({ error: code, message })
}

/** Errors that a retry may cure. Others are for operators, and are refused in the same words. */
function isPassing(error: unknown): boolean {
  const recording = [RecordBusy, RecordStopped, RecordUnavailable, SourceFenced].some((kind) => error instanceof kind)
  return recording || isTransient(error) || !isClientFault(error)
}

function isClientFault(error: unknown): boolean {
  const status = (error as { statusCode?: number }).statusCode
  return status !== undefined && status >= 400 && status < 500
}
