import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  ADMIN_ROUTES,
  type AdminReplyOf,
  type AdminRouteName,
  adminPath,
  type Problem,
  type Route,
} from '@hansard/admin-contract'
import { type Bus, type BusMessage, openInlineBus } from '@hansard/bus'
import { ManualClock } from '@hansard/clock'
import { type FileStores, openFileStores } from '@hansard/file-store'
import { createHttpServer, HTTP_DEFAULTS } from '@hansard/http'
import { silentLog } from '@hansard/log'
import { openTokenKeys, POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { type Database, type Dialect, migrate, openDatabase } from '@hansard/sql'
import { migrateStaging } from '@hansard/staging'
import { copyOfTemplate, sharePostgres, type Template, template } from '@hansard/test-servers'
import type { FastifyInstance, InjectOptions } from 'fastify'
import { ADMIN_API_DEFAULTS, type AdminApiConfig, startAdminApi } from './index.ts'
import type { AdminApi } from './service.ts'

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5)
export const OPERATOR_PASSWORD = 'a password for the operator'

type Asked = {
  readonly body?: object
  readonly token?: string | undefined
  readonly deps?: Record<string, string | number>
  readonly query?: Record<string, string | number | boolean>
}

/** An admin API on its own databases, called without a network. The clock stands still unless a test advances it. */
export type AdminInTest = {
  readonly app: FastifyInstance
  readonly admin: AdminApi
  readonly poolDb: Database
  readonly complianceDb: Database
  readonly clock: ManualClock
  readonly fileStores: FileStores | undefined
  /** what was published to the pool, and everything that was published to rooms */
  readonly heard: BusMessage[]
  /** stacks of unexpected errors */
  readonly failures: string[]
  inject(options: InjectOptions): Promise<{ status: number; text: string }>
  ask(name: AdminRouteName, options?: Asked): Promise<{ status: number; body: Problem & Record<string, unknown> }>
  /** The reply of a request that must succeed, typed by the contract. */
  done<N extends AdminRouteName>(name: N, options?: Asked): Promise<AdminReplyOf<N>>
  signIn(account?: string, password?: string): Promise<string>
  /** The token of a signed-in user with a key. */
  addUser(account: string, options?: { roles?: readonly string[]; domain?: string }): Promise<string>
  /** The changes on record, oldest first. */
  changes(): Promise<{ by: string; action: string; subject: string; before: object; after: object }[]>
  /** Another API under the same name, on the same databases. */
  startTwin(config?: Partial<AdminApiConfig>): Promise<AdminApi>
  close(): Promise<void>
}

const POOL = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))
const COMPLIANCE = template('compliance', openDatabase, migrateStaging)

export async function openAdminInTest(
  dialect: Dialect = 'sqlite',
  {
    withFiles = false,
    site,
    operatorPassword,
    approval = 'one-person',
  }: {
    withFiles?: boolean
    site?: string
    /** undefined: the operator has a generated key, which is checked without being stretched */
    operatorPassword?: string
    approval?: 'two-people' | 'one-person'
  } = {},
): Promise<AdminInTest> {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-admin-'))
  const server = dialect === 'postgres' ? await sharePostgres() : undefined
  const open = async (from: Template) => {
    const file = join(directory, `${from.name}.db`)
    return openDatabase({ url: await (server ? server.createDatabase(from.name, from) : copyOfTemplate(from, file)) })
  }
  const [poolDb, complianceDb] = [await open(POOL), await open(COMPLIANCE)]
  const clock = new ManualClock(NOW)
  const settings = await poolSettings(poolDb, { pool: 'test', domain: 'example.com' })
  const [files, record] = [join(directory, 'files'), join(directory, 'compliance-files')]
  const fileStores = withFiles ? await openFileStores({ directory: files, complianceDirectory: record }) : undefined
  const heard: BusMessage[] = []
  const failures: string[] = []
  const warn = ({ err }: { err?: Error }) => void failures.push(String(err?.stack))
  const log = Object.assign(Object.create(silentLog), { warn }) as typeof silentLog
  const bus = openInlineBus()
  const listening: Bus = {
    ...bus,
    publish(message) {
      heard.push(message)
      bus.publish(message)
    },
  }
  const http = { ...HTTP_DEFAULTS, host: '127.0.0.1', port: 0 }
  const httpServer = await createHttpServer(http, { clock, log })
  const { app } = httpServer
  const tokenKeys = await openTokenKeys({ db: poolDb, clock, source: { file: join(directory, 'token-keys.json') } })
  const start = (on: FastifyInstance, config: Partial<AdminApiConfig> = {}) =>
    startAdminApi(
      { ...ADMIN_API_DEFAULTS, version: '1', runIntervalMs: 60_000, site, approval, ...config },
      {
        app: on,
        poolDb,
        complianceDb,
        bus: listening,
        clock,
        log,
        tokenKeys,
        settings,
        fileStores,
        queueDepth: async () => ({ waiting: 0, active: 0, failed: 0 }),
      },
    )
  const admin = await start(app)
  const twins: AdminApi[] = []
  const operator = await admin.createOperator({ password: operatorPassword })
  const operatorSecret = operatorPassword ?? (operator.outcome === 'created' ? operator.oneTimePassword : undefined)!
  await app.ready()

  const ask: AdminInTest['ask'] = async (name, { body, token, deps, query } = {}) => {
    const { method }: Route = ADMIN_ROUTES[name]
    const words = Object.entries(query ?? {}).map(([key, value]): [string, string] => [key, String(value)])
    const search = words.length > 0 ? `?${new URLSearchParams(words)}` : ''
    const response = await app.inject({
      method,
      url: `${adminPath(name, deps)}${search}`,
      ...(token ? { headers: { authorization: `Bearer ${token}` } } : {}),
      ...(body ? { payload: body } : {}),
    })
    return { status: response.statusCode, body: response.json() }
  }
  const done: AdminInTest['done'] = async (name, options = {}) => {
    const { status, body } = await ask(name, options)
    if (status !== 200) throw new Error(`${name} was answered ${status}: ${JSON.stringify(body)}`)
    return ADMIN_ROUTES[name].reply.parse(body) as never
  }
  const signInAs: AdminInTest['signIn'] = async (account = 'operator', password = operatorSecret) =>
    (await done('signIn', { body: { account, password } })).token
  return {
    app,
    admin,
    poolDb,
    complianceDb,
    clock,
    fileStores,
    heard,
    failures,
    ask,
    done,
    signIn: signInAs,
    async inject(options) {
      const response = await app.inject(options)
      return { status: response.statusCode, text: response.payload }
    },
    async addUser(account, options = {}) {
      const body = { users: [{ account, generateKey: true, ...options }] }
      const { users } = await done('addUsers', { token: await signInAs(), body })
      return signInAs(account, users[0]!.key!)
    },
    async changes() {
      const rows: { body: string }[] = await poolDb.knex('outbox').orderBy(['source', 'epoch', 'seq']).select('body')
      return rows
        .map(({ body }) => JSON.parse(body))
        .filter(({ kind }) => kind === 'change')
        .map(({ principal, action, subject, before, after }) => ({
          by: principal.uri,
          action,
          subject: `${subject.type} ${subject.name}`,
          before,
          after,
        }))
    },
    async startTwin(config) {
      const twin = await start((await createHttpServer(http, { clock, log })).app, config)
      twins.push(twin)
      return twin
    },
    async close() {
      await httpServer.stop()
      for (const api of [admin, ...twins]) await api.stop()
      await bus.close()
      await poolDb.close()
      await complianceDb.close()
      await server?.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}
