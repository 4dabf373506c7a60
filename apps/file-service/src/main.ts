import { once } from 'node:events'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { createClamdScanner, openFileStores } from '@hansard/file-store'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import fastify from 'fastify'
import { fileProcessConfig } from './config.ts'
import { startFileService } from './service.ts'

const env = new Env(process.env)
const config = fileProcessConfig(env)
env.check()

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const log = createLog({ service: config.name, level: config.logLevel })
const stores = await openFileStores(config)
const db = openDatabase({ url: config.poolDatabaseUrl, applicationName: config.name })
await migrate(db, POOL_MIGRATIONS)
const { pool, domain } = await poolSettings(db, config)
const scanner =
  config.clamd === undefined ? undefined : createClamdScanner({ address: config.clamd, clock: systemClock })
// No log of its own: a request's URL may hold a token.
const app = fastify({ logger: false, forceCloseConnections: true, keepAliveTimeout: 65_000 })
const service = await startFileService(config, { app, db, clock: systemClock, log, pool, domain, scanner, ...stores })
await app.listen({ host: config.host, port: config.port, backlog: 4_096 })
process.stdout.write(`${JSON.stringify({ ready: config.endpoint })}\n`)

const fenced = service.fenced.then(() => 'fenced' as const)
const stopped = once(stop.signal, 'abort').then(() => 'stopped' as const)
if ((await Promise.race(stop.signal.aborted ? ['stopped' as const] : [fenced, stopped])) === 'fenced')
  process.exitCode = 1
await app.close()
await service.stop()
await db.close()
