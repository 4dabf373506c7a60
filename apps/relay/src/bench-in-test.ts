import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type Clock, systemClock } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import { silentLog } from '@hansard/log'
import {
  createPrincipals,
  createRecordWriter,
  findPrincipal,
  outboxDepth,
  POOL_MIGRATIONS,
  type Principal,
  startSource,
} from '@hansard/pool-store'
import { openInlineTransport, type Transport } from '@hansard/queue'
import { type Database, migrate, openDatabase } from '@hansard/sql'
import { migrateStaging, recordSourceProgress, stagedThrough, stageEvents } from '@hansard/staging'
import { copyOfTemplate, type SharedPostgres, template } from '@hansard/test-servers'
import { afterEach, beforeEach } from 'vitest'
import type { RelayConfig } from './config.ts'
import { startRelay } from './index.ts'
import { addRoom, QUICK } from './relay-in-test.ts'
import type { Relay } from './service.ts'

const POOL = template('pool', openDatabase, (db) => migrate(db, POOL_MIGRATIONS))
const COMPLIANCE = template('compliance', openDatabase, migrateStaging)

/** The two databases of a pool for each test of a describe block, and what a relay is tested with. */
export function benchOfRelay(dialect: 'sqlite' | 'postgres', postgres: () => SharedPostgres) {
  const bench = {} as { poolDb: Database; complianceDb: Database }
  const toStop: (() => Promise<unknown>)[] = []
  let principal: Principal
  let roomId: number

  beforeEach(async () => {
    const directory = mkdtempSync(join(tmpdir(), 'hansard-relay-'))
    toStop.push(() => rm(directory, { recursive: true }))
    const open = async (name: string) => {
      const from = name === 'pool' ? POOL : COMPLIANCE
      const url =
        dialect === 'sqlite'
          ? await copyOfTemplate(from, join(directory, name))
          : await postgres().createDatabase(name, from)
      const db = openDatabase({ url })
      toStop.push(() => db.close())
      return db
    }
    bench.poolDb = await open('pool')
    bench.complianceDb = await open('compliance')
    await createPrincipals(bench.poolDb.knex, [
      { account: 'alice', domain: 'example.com', displayName: 'Alice', secret: 'key$x', now: 1 },
    ])
    principal = (await findPrincipal(bench.poolDb, { account: 'alice' }))!
    roomId = await addRoom(bench.poolDb)
  })
  afterEach(async () => {
    for (const stop of toStop.splice(0).reverse()) await stop()
  })

  /** A source that has recorded `chats` chats. */
  async function talk(chats: number, name = 'channel-1') {
    const source = await startSource(bench.poolDb, { name, endpoint: 'ws://x', now: systemClock.now() })
    const writer = createRecordWriter({ db: bench.poolDb, clock: systemClock, source, place: { pool: 'test' } })
    const post = (n: number) =>
      writer.record({
        kind: 'chat',
        roomId,
        principal,
        post: `${name} ${n}`,
        text: `chat ${n}`,
        again: false,
        rights: 1,
      })
    await Promise.all(Array.from({ length: chats }, (_, n) => post(n)))
    return { source, post, key: `${name}/${source.epoch}/${source.incarnation}` }
  }

  async function relayTo(
    transport: Transport,
    options: { clock?: Clock; config?: Partial<RelayConfig> } = {},
  ): Promise<Relay> {
    const { clock = systemClock, config = {} } = options
    const relay = await startRelay({
      ...{ poolDb: bench.poolDb, complianceDb: bench.complianceDb, transport, clock, log: silentLog },
      config: { relayName: 'relay', ...QUICK, ...config },
    })
    toStop.push(() => relay.stop())
    return relay
  }

  const stage = async (envelope: Envelope): Promise<void> => {
    if (envelope.kind === 'roll-call') await recordSourceProgress(bench.complianceDb, envelope.rollCall)
    else await stageEvents(bench.complianceDb, envelope, systemClock.now())
  }

  function inline(): Transport {
    const transport = openInlineTransport()
    toStop.push(() => transport.close())
    return transport
  }
  const keptRows = async () => (await bench.poolDb.knex('outbox').select('seq')).length
  /** without those that are staged */
  const outboxRows = async () => (await outboxDepth(bench.poolDb)).rows
  const staged = async (key: string) => (await stagedThrough(bench.complianceDb)).get(key)

  return Object.assign(bench, { toStop, talk, relayTo, stage, inline, keptRows, outboxRows, staged })
}
