import { once } from 'node:events'
import { openRedisBus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { createHttpServer } from '@hansard/http'
import { createLog } from '@hansard/log'
import { createSignIn, POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import { lookupProcessConfig } from './config.ts'
import { startLookupService } from './service.ts'

const env = new Env(process.env)
const config = lookupProcessConfig(env)
env.check()

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const log = createLog({ service: 'lookup-service', level: config.logLevel })
const db = openDatabase({ url: config.poolDatabaseUrl, applicationName: 'lookup-service' })
await migrate(db, POOL_MIGRATIONS)
const { pool, signingKey } = await poolSettings(db, config)
const bus = openRedisBus({ redisUrl: config.redisUrl, log, pool })
const server = await createHttpServer(config.http, { clock: systemClock, log })
const signIn = createSignIn({ db, clock: systemClock, signingKey })
const service = await startLookupService(config, {
  app: server.app,
  db,
  bus,
  clock: systemClock,
  log,
  signIn,
  pool,
  version: '0.1.0',
})
await server.listen()
process.stdout.write(`${JSON.stringify({ ready: config.url })}\n`)

if (!stop.signal.aborted) await once(stop.signal, 'abort')
await server.stop()
await service.stop()
await bus.close()
await db.close()
