import { createHash } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { readdir, rm } from 'node:fs/promises'
import { type IncomingHttpHeaders, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@hansard/clock'
import { type ComplianceEvent, decodeEvent } from '@hansard/compliance-event'
import { createClamdScanner, type FileStore, openFileStores, type Scanner } from '@hansard/file-store'
import { createHttpServer, HTTP_DEFAULTS } from '@hansard/http'
import { silentLog } from '@hansard/log'
import {
  createPrincipals,
  findPrincipal,
  type IssuedFileToken,
  issueFileToken,
  POOL_MIGRATIONS,
  type Principal,
} from '@hansard/pool-store'
import { newCategoryUri, newRoomUri } from '@hansard/rooms'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { copyOfTemplate, type SharedPostgres, startClamd, template } from '@hansard/test-servers'
import type { FileServiceConfig } from './config.ts'
import { FILE_SERVICE_DEFAULTS, startFileService } from './index.ts'
import type { FileService } from './service.ts'

const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
const DOMAIN = 'example.com'

export type Issued = Extract<IssuedFileToken, { outcome: 'issued' }>
export type Answer = { status: number; headers: IncomingHttpHeaders; body: Buffer; json: Record<string, unknown> }

/** A pool with one closed room that accepts files, alice and bob as its members, and one file service. */
export type FilesInTest = {
  readonly db: Database
  readonly url: string
  readonly clock: ManualClock
  readonly directory: string
  readonly alice: Principal
  readonly bob: Principal
  readonly roomId: number
  readonly categoryId: number
  readonly origin: string
  readonly service: FileService
  startAnother(options?: StartOptions): Promise<{ service: FileService; origin: string; stop(): Promise<void> }>
  upload(who: Principal, file: { name?: string; size: number; room?: number }): Promise<Issued>
  download(who: Principal, fileId: string): Promise<Issued>
  /** Announces, sends and completes a file of alice's; returns its id. */
  put(content: Uint8Array, name?: string): Promise<string>
  removeFromRoom(who: Principal): Promise<void>
  addToRoom(who: Principal): Promise<void>
  /** All events on record, by number. */
  events(): Promise<ComplianceEvent[]>
  /** Names of all files under a directory that belongs to this test. */
  filesIn(name: 'files' | 'compliance-files'): Promise<string[]>
  close(): Promise<void>
}
export type StartOptions = {
  name?: string
  scanner?: Scanner
  config?: Partial<FileServiceConfig>
  wrap?: (stores: { files: FileStore; complianceFiles: FileStore }) => { files: FileStore; complianceFiles: FileStore }
}

const POOL = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))

/** `server`: on a new database there; without one on SQLite. */
export async function startFilesInTest(
  server: SharedPostgres | undefined,
  options: StartOptions = {},
): Promise<FilesInTest> {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-file-service-'))
  const url = server
    ? await server.createDatabase('files', POOL)
    : await copyOfTemplate(POOL, join(directory, 'pool.db'))
  const db = openDatabase({ url })
  const clock = new ManualClock(NOW)
  const people = ['alice', 'bob'].map((account) => ({
    account,
    domain: DOMAIN,
    displayName: account,
    secret: 'key$x',
    now: NOW,
  }))
  await createPrincipals(db.knex, people)
  const found = await Promise.all(people.map(({ account }) => findPrincipal(db, { account })))
  const [alice, bob] = [found[0]!, found[1]!]
  const [category]: { id: number }[] = await db
    .knex('category')
    .insert({ uri: newCategoryUri(DOMAIN), name: 'Desks', file_upload: true, created_at: NOW })
    .returning('id')
  const categoryId = category!.id
  for (const { id } of [alice, bob])
    await db.knex('category_scope').insert({ category_id: categoryId, principal_id: id, list: 'allowed' })
  const [room]: { id: number }[] = await db
    .knex('room')
    .insert({ uri: newRoomUri(DOMAIN), name: 'desk', privacy: 'closed', category_id: categoryId, created_at: NOW })
    .returning('id')
  const roomId = room!.id
  const role = (who: Principal) => ({ room_id: roomId, principal_id: who.id, role: 'member' })
  for (const who of [alice, bob]) await db.knex('room_role').insert(role(who))

  const stops: (() => Promise<void>)[] = []
  async function startAnother({ name = 'files-1', scanner, config, wrap = (stores) => stores }: StartOptions = {}) {
    const stores = await openFileStores({
      directory: join(directory, 'files'),
      complianceDirectory: join(directory, 'compliance-files'),
    })
    const http = { ...HTTP_DEFAULTS, host: '127.0.0.1', port: 0 }
    const httpServer = await createHttpServer(http, { clock, log: silentLog, forceCloseConnections: true })
    const { app } = httpServer
    const service = await startFileService(
      { ...FILE_SERVICE_DEFAULTS, name, endpoint: 'http://files', ...config },
      { app, db, clock, log: silentLog, pool: 'pool', domain: DOMAIN, scanner, ...wrap(stores) },
    )
    await httpServer.listen()
    const origin = `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`
    let stopping: Promise<void> | undefined
    const stop = () => {
      stopping ??= httpServer.stop().then(() => service.stop())
      return stopping
    }
    stops.push(stop)
    return { service, origin, stop }
  }
  const { service, origin } = await startAnother(options)

  const issue = async (asked: Parameters<typeof issueFileToken>[1]) => {
    const token = await issueFileToken(db, asked)
    if (token.outcome !== 'issued') throw new Error(token.message)
    return token
  }
  const common = () => ({ now: clock.now(), filesUrl: `${origin}/files` })
  const pool: FilesInTest = {
    ...{ db, url, clock, directory, alice, bob, roomId, categoryId, origin, service, startAnother },
    upload: (who, { name = 'a.txt', size, room = roomId }) =>
      issue({
        ...common(),
        kind: 'upload',
        principalId: who.id,
        roomId: room,
        fileName: name,
        size,
        maxFileSizeKb: 20_000,
      }),
    download: (who, fileId) => issue({ ...common(), kind: 'download', principalId: who.id, roomId, fileId }),
    async put(content, name = 'a.txt') {
      const { token, fileId, url } = await pool.upload(alice, { size: content.byteLength, name })
      const answer = await send('PUT', url, { token, body: content })
      if (answer.status !== 201) throw new Error(`${answer.status}: ${answer.body}`)
      return fileId
    },
    removeFromRoom: async (who) => void (await db.knex('room_role').where(role(who)).delete()),
    addToRoom: async (who) => void (await db.knex('room_role').insert(role(who))),
    async events() {
      const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq']).select('body')
      return rows.map(({ body }) => decodeEvent(body))
    },
    async filesIn(name) {
      const entries = await readdir(join(directory, name), { recursive: true, withFileTypes: true })
      return entries.filter((entry) => entry.isFile() && entry.name !== 'store-id').map((entry) => entry.name)
    },
    async close() {
      for (const stop of stops) await stop()
      await db.close()
      await rm(directory, { recursive: true, force: true })
    },
  }
  return pool
}

export function sha256Of(content: Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

/** One request whose path is sent unchanged. `body` may come in pieces; without `length` it is sent chunked. */
export function send(
  method: string,
  url: string,
  {
    token,
    headers = {},
    body,
    chunked = false,
  }: {
    token?: string
    headers?: Record<string, string>
    body?: Uint8Array | readonly Uint8Array[]
    chunked?: boolean
  } = {},
): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const { hostname, port } = new URL(url)
    const path = url.slice(url.indexOf('/', 'http://'.length))
    const pieces = body === undefined ? [] : body instanceof Uint8Array ? [body] : body
    const length = pieces.reduce((sum, piece) => sum + piece.byteLength, 0)
    const sent = request({
      ...{ hostname, port, path, method, agent: false },
      headers: {
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined
          ? {}
          : chunked
            ? { 'transfer-encoding': 'chunked' }
            : { 'content-length': String(length) }),
        ...headers,
      },
    })
    sent.on('error', reject)
    sent.on('response', (response) => {
      const deps: Buffer[] = []
      response.on('data', (part: Buffer) => deps.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const bytes = Buffer.concat(deps)
        const isJson = response.headers['content-type']?.startsWith('application/json') && bytes.length > 0
        resolve({
          status: response.statusCode!,
          headers: response.headers,
          body: bytes,
          json: isJson ? (JSON.parse(bytes.toString()) as Record<string, unknown>) : {},
        })
      })
    })
    for (const piece of pieces) sent.write(piece)
    sent.end()
  })
}

/** A scanner that reports every file that contains the word EICAR. */
export async function startScannerInTest(clock: ManualClock): Promise<{ scanner: Scanner; stop(): Promise<void> }> {
  const { url, stop } = await startClamd()
  return { scanner: createClamdScanner({ address: url, clock }), stop }
}
