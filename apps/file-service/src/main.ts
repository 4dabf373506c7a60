import { once } from 'node:events'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { createClamdScanner, openFileStores } from '@hansard/file-store'
import { createHttpServer } from '@hansard/http'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
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
const server = await createHttpServer(config.http, {
  clock: systemClock,
  log,
  forceCloseConnections: true,
  // An upload has files open in two stores.
  filesMax: 2 * config.transfersMax,
})
const { app } = server
const service = await startFileService(config, { app, db, clock: systemClock, log, pool, domain, scanner, ...stores })
await server.listen()
process.stdout.write(`${JSON.stringify({ ready: config.endpoint })}\n`)

const fenced = service.fenced.then(() => 'fenced' as const)
const stopped = once(stop.signal, 'abort').then(() => 'stopped' as const)
if ((await Promise.race(stop.signal.aborted ? ['stopped' as const] : [fenced, stopped])) === 'fenced')
  process.exitCode = 1
await server.stop()
await service.stop()
await db.close()
