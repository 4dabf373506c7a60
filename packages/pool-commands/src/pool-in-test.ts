import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type BusMessage, openInlineBus } from '@hansard/bus'
import { ManualClock } from '@hansard/clock'
import { type ComplianceEvent, decodeEvent, type EventOf } from '@hansard/compliance-event'
import {
  createRecordWriter,
  type Fact,
  findPrincipal,
  findRoom,
  type Outcome,
  POOL_MIGRATIONS,
  type Principal,
  poolSettings,
  type RecordError,
  type RecordWriter,
  startSource,
} from '@hansard/pool-store'
import type { PoolRole } from '@hansard/rooms'
import { type Database, type Dialect, migrate, openDatabase } from '@hansard/sql'
import { copyOfTemplate, type SharedPostgres, sharePostgres, template } from '@hansard/test-servers'
import { createPoolCommands, type PoolCommands, poolActor, type Result } from './index.ts'

export const NOW = Date.UTC(2026, 0, 2, 3, 4, 5, 678)
export const DOMAIN = 'example.com'
export const POOL = poolActor(DOMAIN)
export const EVERYBODY = `ma-grp:*@${DOMAIN}`
export const sip = (account: string, domain = DOMAIN) => `sip:${account}@${domain}`
export const grp = (name: string) => `ma-grp:${name}@${DOMAIN}`

/** One service of a pool: its own source, its commands, and what it published. */
export type ServiceInTest = {
  readonly commands: PoolCommands
  readonly writer: RecordWriter
  readonly told: BusMessage[]
  record(fact: Fact): Promise<Outcome | RecordError>
}

export type PoolInTest = {
  readonly db: Database
  readonly clock: ManualClock
  readonly poolRoomId: number
  readonly service: ServiceInTest
  readonly commands: PoolCommands
  /** a service with its own connection (PostgreSQL), or on the same one */
  startService(): Promise<ServiceInTest>
  addUser(account: string, options?: { domain?: string; roles?: readonly PoolRole[] }): Promise<Principal>
  /** A user with current roles. */
  principal(account: string): Promise<Principal>
  room(name: string): Promise<{ id: number; uri: string; rights: number }>
  post(account: string, room: string, text: string, title?: string): Promise<number>
  /** Everything on record, by room, each room's events in order. */
  events(): Promise<ComplianceEvent[]>
  /** The changes on record since the last call. */
  changes(): Promise<EventOf<'change'>[]>
  close(): Promise<void>
}

/** The server on which pools are created: one for many of them. */
export type PlaceInTest = { open(options?: { prepared?: boolean }): Promise<PoolInTest>; close(): Promise<void> }

const MIGRATED = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))

export async function openPlace(dialect: Dialect): Promise<PlaceInTest> {
  const server: SharedPostgres | undefined = dialect === 'postgres' ? await sharePostgres() : undefined
  const directory = mkdtempSync(join(tmpdir(), 'hansard-commands-'))
  let pools = 0
  return {
    async open({ prepared = true } = {}) {
      const name = `pool${++pools}`
      const url = server
        ? await server.createDatabase(name, MIGRATED)
        : await copyOfTemplate(MIGRATED, join(directory, `${name}.db`))
      return openPool(url, prepared)
    },
    async close() {
      await server?.stop()
      await rm(directory, { recursive: true, force: true })
    },
  }
}

async function openPool(url: string, prepared: boolean): Promise<PoolInTest> {
  const clock = new ManualClock(NOW)
  const db = openDatabase({ url })
  const databases = [db]
  const { poolRoomId } = await poolSettings(db, { pool: 'test', domain: DOMAIN })
  let services = 0
  let posts = 0
  let seen = new Set<string>()

  const start = async (on: Database): Promise<ServiceInTest> => {
    const source = await startSource(on, { name: `service-${++services}`, endpoint: 'ws://x', now: clock.now() })
    const writer = createRecordWriter({ db: on, clock, source, place: { pool: 'test' } })
    const bus = openInlineBus()
    const told: BusMessage[] = []
    const commands = createPoolCommands({
      db: on,
      writer,
      bus: { ...bus, publish: (message) => told.push(message) },
      from: `${source.name}/${source.epoch}`,
      domain: DOMAIN,
      poolRoomId,
    })
    return { commands, writer, told, record: writer.record }
  }
  const service = await start(db)
  const { commands } = service
  if (prepared) await commands.preparePool()

  const events = async () => {
    const rows: { body: string }[] = await db.knex('outbox').select('body')
    return rows.map(({ body }) => decodeEvent(body)).sort((a, b) => a.room.seq - b.room.seq)
  }
  const principal = async (account: string) => {
    const { secret: _, ...found } = (await findPrincipal(db, { account }))!
    return found
  }
  const room = async (name: string) => {
    const row: { id: number } | undefined = await db.knex('room').where({ name }).orderBy('id').first('id')
    return (row && (await findRoom(db, row)))!
  }
  return {
    db,
    clock,
    poolRoomId,
    service,
    commands,
    startService() {
      if (db.dialect === 'sqlite') return start(db)
      const another = openDatabase({ url })
      databases.push(another)
      return start(another)
    },
    async addUser(account, { domain = DOMAIN, roles = [] } = {}) {
      const user = { account, domain, displayName: account, roles, secret: 'key$secret' }
      must(await commands.addUsers(POOL, { users: [user] }))
      return principal(account)
    },
    principal,
    room,
    async post(account, name, text, title) {
      const { id: roomId, rights } = await room(name)
      const who = await principal(account)
      const post = `post-${++posts}`
      const titled = title === undefined ? {} : { title }
      const fact: Fact = { kind: 'chat', roomId, principal: who, post, text, again: false, rights, ...titled }
      const outcome = await service.record(fact)
      if (outcome instanceof Error) throw outcome
      if (outcome.kind !== 'chat') throw new Error(`The chat was not posted: ${outcome.kind}.`)
      return outcome.chatId
    },
    events,
    async changes() {
      const all = (await events()).filter((event) => event.kind === 'change')
      const key = (event: ComplianceEvent) => `${event.source} ${event.seq}`
      const fresh = all.filter((event) => !seen.has(key(event)))
      seen = new Set(all.map(key))
      return fresh.sort((a, b) => a.seq - b.seq)
    },
    async close() {
      for (const each of databases) await each.close()
    },
  }
}

/** The value of a command that must succeed. */
export function must<T>(result: Result<T>): T {
  if (result.ok) return result.value
  throw new Error(`Refused with ${result.refusal}: ${result.message}`)
}

/** The refusal of a command that must fail. */
export function refusal(result: Result<unknown>): string {
  return result.ok ? 'not refused' : result.refusal
}
