import { createHash, randomUUID } from 'node:crypto'
import { close, createWriteStream, open } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import {
  DATA_EXPORT_PATH,
  DATA_IMPORT_PATH,
  ExportDataQuery,
  ImportDataQuery,
  type ImportLine,
} from '@hansard/admin-contract'
import type { Bus } from '@hansard/bus'
import type { Timer } from '@hansard/clock'
import { FileStoreFull, type FileStores, WrongStore } from '@hansard/file-store'
import {
  type Changed,
  DataFileError,
  disableRooms,
  ExportRefused,
  exportData,
  ImportBusy,
  ImportStopped,
  importData,
  NotAdministrator,
  openDataFile,
  resolveScope,
} from '@hansard/pool-data'
import type { Principal, RecordWriter } from '@hansard/pool-store'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { auditRead } from './audit-read.ts'
import { notAllowed, signedIn } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { AdminProblem, parse, problemOf, sendProblem } from './problems.ts'

type DataDeps = Pick<AdminApiDeps, 'poolDb' | 'complianceDb' | 'clock' | 'log' | 'signIn' | 'pool' | 'domain'> & {
  readonly writer: RecordWriter
  readonly bus: Bus
  /** the source's name in hints on the bus */
  readonly from: string
  readonly poolRoomId: number
  /** the file stores; undefined: this server has no access to them */
  readonly fileStores?: FileStores | undefined
  /** directory for the temporary file of an import */
  readonly temporaryDirectory?: string | undefined
  /** maximum size of such a file in bytes */
  readonly uploadBytesMax?: number | undefined
  /** aborting stops an import between two batches */
  readonly stop?: AbortSignal | undefined
}

const UPLOAD_BYTES_MAX = 64 * 1_024 ** 3
/** Maximum time between two lines to a waiting caller, in milliseconds. */
const LINE_EVERY_MS = 10_000

/** Adds the routes for exporting and importing pool data. Every use of them is recorded. */
export function serveData(app: FastifyInstance, deps: DataDeps): void {
  void app.register(async (data) => {
    data.setErrorHandler((error, request, reply) =>
      sendProblem(reply, problemOf(deps.log, request.method, refusalOf(error))),
    )
    data.removeAllContentTypeParsers()
    // The body is neither parsed nor buffered: the handler reads it as a stream.
    data.addContentTypeParser('*', (_request, payload, done) => done(null, payload))
    data.route({
      method: ['GET', 'POST'],
      url: DATA_EXPORT_PATH,
      handler: (request, reply) => sendExport(deps, request, reply),
    })
    data.post(DATA_IMPORT_PATH, { config: { longBody: true } }, (request, reply) => receiveImport(deps, request, reply))
  })
}

async function administrator(deps: DataDeps, request: FastifyRequest): Promise<Principal> {
  const actor = await signedIn(deps.signIn, request)
  if (!actor.roles.includes('administrator')) {
    const { account, id: principalId } = actor
    const detail = `${request.method} ${request.routeOptions.url}`
    deps.signIn.record.note({ outcome: 'not-allowed', account, principalId, remote: request.ip, detail })
    throw notAllowed(['administrator'])
  }
  return actor
}

async function sendExport(deps: DataDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const actor = await administrator(deps, request)
  const query = parse(ExportDataQuery, request.query)
  const { poolDb: db, clock, pool, domain, writer, fileStores, log } = deps
  const scope = query.scope === undefined ? undefined : [query.scope].flat()
  const start = query.start === undefined ? undefined : Date.parse(query.start)
  const choice = { level: query.level, scope, start }
  await resolveScope(db.knex, choice)
  const disables = query.disableRooms === 'true'
  if (disables && request.method !== 'POST') throw new AdminProblem('malformed', 'Disabling rooms requires POST.')
  if (query.files === 'true' && !fileStores)
    throw new AdminProblem(
      'conflict',
      'This server has no access to the file stores. Export without files, or at a server that has.',
      'A separate admin API needs HANSARD_FILE_STORE and HANSARD_COMPLIANCE_FILE_STORE.',
    )

  await auditRead(deps, actor.account, 'export-data', query.level, {
    scope: scope ?? null,
    start: start ?? null,
    disables,
  })
  const disabledHere = disables
    ? await disableRooms({ db, writer, actor, ...choice, onChanged: (changed) => publish(deps, changed) })
    : undefined
  const from = { db, clock, pool, domain, by: actor.account, ...choice, disabledHere }
  const { stream, done } = await exportData({
    ...from,
    fileStore: query.files === 'true' ? fileStores?.files : undefined,
  })
  done.catch((error: unknown) =>
    log.warn({ err: error, actor: actor.account }, 'an export of pool data did not finish'),
  )
  return reply
    .header('content-type', 'application/zip')
    .header('content-disposition', 'attachment; filename="pool-data.zip"')
    .send(stream)
}

async function receiveImport(deps: DataDeps, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const actor = await administrator(deps, request)
  const query = parse(ImportDataQuery, request.query)
  const dryRun = query.dryRun === 'true'
  if (!(request.body instanceof Readable)) {
    throw new AdminProblem('malformed', 'Send the zip of an export as the body, with Content-Type: application/zip.')
  }
  const { descriptor, sha256 } = await keep(request.body, deps)
  const origin = { name: query.name, sha256 }
  const file = await openDataFile(descriptor)
  try {
    await auditRead(deps, actor.account, dryRun ? 'try-import-data' : 'import-data', file.identity, {
      from: file.about.pool,
      level: file.manifest.level,
      file: origin.name,
      fileSha256: origin.sha256,
    })
  } catch (error) {
    file.close()
    throw error
  }
  const lines = new PassThrough()
  void carryOut(deps, { actor, dryRun, file, origin, lines }).finally(() => {
    file.close()
    lines.end()
  })
  return reply.header('content-type', 'application/x-ndjson').send(lines)
}

type Import = {
  readonly actor: Principal
  readonly dryRun: boolean
  readonly file: Awaited<ReturnType<typeof openDataFile>>
  readonly origin: { readonly name: string; readonly sha256: string }
  readonly lines: PassThrough
}

/** Reports progress during the import, so that neither side considers the other dead. */
async function carryOut(deps: DataDeps, { actor, dryRun, file, origin, lines }: Import): Promise<void> {
  const { poolDb: db, clock, writer, poolRoomId, pool, fileStores, log } = deps
  const say = (line: ImportLine) => void (lines.writable && lines.write(`${JSON.stringify(line)}\n`))
  let last: ImportLine = { at: 'checking', lines: 0 }
  let timer: Timer | undefined
  const tick = () => {
    say(last)
    timer = clock.after(LINE_EVERY_MS, tick)
  }
  tick()
  // The caller has disconnected. Completed batches stay, and the same import continues from there.
  const gone = new AbortController()
  lines.once('close', () => gone.abort())
  const stop = deps.stop ? AbortSignal.any([deps.stop, gone.signal]) : gone.signal
  try {
    const report = await importData(file, {
      db,
      clock,
      writer,
      poolRoomId,
      pool,
      fileStores,
      stop,
      dryRun,
      origin,
      actor,
      by: actor.account,
      onChanged: (changed) => publish(deps, changed),
      onProgress: (at, count) => {
        last = { at, lines: count }
      },
    })
    say({ report: report as never })
  } catch (error) {
    const { code, message, hint } = problemOf(log, 'importing pool data', refusalOf(error))
    say({ problem: { error: code, message, ...(hint === undefined ? {} : { hint }) } })
  } finally {
    timer?.cancel()
  }
}

/**
 * Writes the body to an unlinked file: however this process ends, the disk space is freed and nobody can read the
 * chats in it. Returns its descriptor, and the SHA-256 of what was received.
 */
async function keep(
  content: Readable,
  { temporaryDirectory = tmpdir(), uploadBytesMax = UPLOAD_BYTES_MAX }: DataDeps,
): Promise<{ descriptor: number; sha256: string }> {
  const path = join(temporaryDirectory, `hansard-import-${randomUUID()}.zip`)
  const descriptor = await opening(path, 'wx+', 0o600)
  try {
    await rm(path)
    let size = 0
    const sha256 = createHash('sha256')
    async function* limited(pieces: AsyncIterable<Buffer>) {
      for await (const piece of pieces) {
        size += piece.byteLength
        if (size > uploadBytesMax)
          throw new AdminProblem('too-large', `A data file may have at most ${uploadBytesMax} bytes here.`)
        sha256.update(piece)
        yield piece
      }
    }
    await pipeline(content, limited, createWriteStream('', { fd: descriptor, autoClose: false, start: 0 }))
    return { descriptor, sha256: sha256.digest('hex') }
  } catch (error) {
    await closing(descriptor)
    throw error
  }
}

const opening = promisify(open)
const closing = promisify(close)

function publish(
  { bus, from }: Pick<DataDeps, 'bus' | 'from'>,
  { rooms, principals, feeds, configuration }: Changed,
): void {
  for (const room of rooms) bus.publish({ t: 'room-changed', room, from })
  for (let at = 0; at < principals.length; at += 1_000)
    bus.publish({ t: 'principal-changed', principals: principals.slice(at, at + 1_000) })
  for (let at = 0; at < feeds.length; at += 1_000)
    bus.publish({ t: 'feeds-changed', principals: feeds.slice(at, at + 1_000) })
  if (configuration) bus.publish({ t: 'configuration-changed' })
}

function refusalOf(error: unknown): unknown {
  const { message } = error as Error
  if (error instanceof ExportRefused) return new AdminProblem('malformed', message)
  if (error instanceof DataFileError) return new AdminProblem('malformed', message, 'Nothing was imported.')
  if (error instanceof NotAdministrator) return new AdminProblem('not-allowed', message)
  if (error instanceof FileStoreFull || error instanceof WrongStore)
    return new AdminProblem('conflict', message, error.hint)
  if (error instanceof ImportBusy || error instanceof ImportStopped) return new AdminProblem('try-again', message)
  return error
}
