import { once } from 'node:events'
import { openRedisBus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { createHttpServer } from '@hansard/http'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import { channelProcessConfig } from './config.ts'
import { attachChannelService } from './delivery/accept-connection.ts'
import { startChannelService } from './service.ts'

const env = new Env(process.env)
const config = channelProcessConfig(env)
env.check()

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const log = createLog({ service: config.name, level: config.logLevel })
const db = openDatabase({ url: config.poolDatabaseUrl, applicationName: config.name })
await migrate(db, POOL_MIGRATIONS)
const settings = await poolSettings(db, config)
const bus = openRedisBus({ redisUrl: config.redisUrl, log, pool: settings.pool })
const server = await createHttpServer(config.http, { clock: systemClock, log })
const sessionsMax = Math.min(config.sessionsMax, server.connectionsMax)
const service = await startChannelService({ ...config, sessionsMax }, { db, bus, clock: systemClock, log, settings })
attachChannelService(server.app.server, new URL(config.endpoint).pathname, service, server.remoteOf)
await server.listen()
process.stdout.write(`${JSON.stringify({ ready: config.endpoint })}\n`)

const fenced = service.fenced.then(() => 'fenced' as const)
const stopped = once(stop.signal, 'abort').then(() => 'stopped' as const)
if ((await Promise.race(stop.signal.aborted ? ['stopped' as const] : [fenced, stopped])) === 'fenced')
  process.exitCode = 1
// The server accepts no connections from now on, and has closed when the sessions have ended.
const closed = server.stop()
await service.stop()
await closed
await bus.close()
await db.close()
