import { systemClock } from '@hansard/clock'
import type { Envelope } from '@hansard/compliance-event'
import { silentLog } from '@hansard/log'
import {
  createPrincipals,
  createRecordWriter,
  type Fact,
  findPrincipal,
  outboxDepth,
  POOL_MIGRATIONS,
  startSource,
} from '@hansard/pool-store'
import { openBullTransport, openInlineTransport } from '@hansard/queue'
import { migrate, openDatabase } from '@hansard/sql'
import { migrateStaging, recordSourceProgress, stagedThrough, stageEvents } from '@hansard/staging'
import { sharePostgres, startPostgres, startRedis } from '@hansard/test-servers'
import { Redis } from 'ioredis'
import { describe, expect, it, vi } from 'vitest'
import { startRelay } from './index.ts'
import { addRoom, QUICK, until } from './relay-in-test.ts'

describe('the relay during outages', () => {
  it('loses nothing when Redis is wiped, killed and restarted', async () => {
    await using redis = await startRedis()
    await using postgres = await sharePostgres()
    const pool = await poolOn(postgres)
    const transport = openBullTransport({ redisUrl: redis.url, log: silentLog, pool: 'p' })
    const relay = await startRelay({
      ...pool,
      transport,
      clock: systemClock,
      log: silentLog,
      config: { relayName: 'r', ...QUICK },
    })
    await pool.post(300)
    await vi.waitFor(async () => expect((await transport.depth()).waiting).toBeGreaterThan(2), until)

    const wiper = new Redis(redis.url)
    await wiper.flushall()
    wiper.disconnect()
    await redis.kill()
    await pool.post(300)
    await redis.restart()
    await transport.consume(pool.stage)

    await vi.waitFor(async () => expect(await pool.progress()).toEqual({ staged: 600, rows: 0 }), until)
    await relay.stop()
    await transport.close()
    await pool.close()
  })

  it('continues after PostgreSQL was killed and restarted', async () => {
    await using own = await startPostgres()
    const pool = await poolOn(own)
    const transport = openInlineTransport()
    await transport.consume(pool.stage)
    const relay = await startRelay({
      ...pool,
      transport,
      clock: systemClock,
      log: silentLog,
      config: { relayName: 'r', ...QUICK },
    })
    await pool.post(300)
    await vi.waitFor(async () => expect(await pool.progress()).toEqual({ staged: 300, rows: 0 }), until)

    await own.kill()
    await own.restart()
    await vi.waitFor(() => pool.post(300), until)

    await vi.waitFor(async () => {
      const { staged, rows } = await pool.progress()
      expect(staged).toBeGreaterThanOrEqual(600)
      expect(rows).toBe(0)
    }, until)
    await relay.stop()
    await transport.close()
    await pool.close()
  })
})
/** Both databases on one server, and one source. */
async function poolOn(server: { createDatabase(name: string): Promise<string> }) {
  const poolDb = openDatabase({ url: await server.createDatabase('pool') })
  const complianceDb = openDatabase({ url: await server.createDatabase('compliance') })
  await migrate(poolDb, POOL_MIGRATIONS)
  await migrateStaging(complianceDb)
  await createPrincipals(poolDb.knex, [
    { account: 'alice', domain: 'example.com', displayName: 'Alice', secret: 'key$x', now: 1 },
  ])
  const principal = (await findPrincipal(poolDb, { account: 'alice' }))!
  const roomId = await addRoom(poolDb)
  const source = await startSource(poolDb, { name: 'channel-1', endpoint: 'ws://x', now: systemClock.now() })
  const writer = createRecordWriter({ db: poolDb, clock: systemClock, source, place: { pool: 'test' } })
  let posts = 0
  return {
    poolDb,
    complianceDb,
    /** Rejects when one of the facts is not on record. */
    async post(count: number): Promise<void> {
      const outcomes = Array.from({ length: count }, () => {
        const fact: Fact = {
          kind: 'chat',
          roomId,
          principal,
          post: `${++posts}`,
          text: 'hello',
          again: false,
          rights: 1,
        }
        return writer.record(fact).then((outcome) => {
          if (outcome instanceof Error) throw outcome
        })
      })
      await Promise.all(outcomes)
    },
    async stage(envelope: Envelope): Promise<void> {
      if (envelope.kind === 'roll-call') await recordSourceProgress(complianceDb, envelope.rollCall)
      else await stageEvents(complianceDb, envelope, systemClock.now())
    },
    async progress() {
      const staged = (await stagedThrough(complianceDb)).get(`channel-1/${source.epoch}/${source.incarnation}`)
      return { staged, rows: (await outboxDepth(poolDb)).rows }
    },
    async close() {
      await writer.stop()
      await poolDb.close()
      await complianceDb.close()
    },
  }
}
