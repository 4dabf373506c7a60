import { once } from 'node:events'
import { createServer } from 'node:http'
import { openRedisBus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { runProcess } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { requireRedis } from '@hansard/redis'
import { migrate, openDatabase } from '@hansard/sql'
import { channelProcessConfig } from './config.ts'
import { attachChannelService } from './delivery/accept-connection.ts'
import { startChannelService } from './service.ts'

await runProcess(process, 'channel-service', async ({ stack, ready }) => {
  const env = new Env(process.env)
  const config = channelProcessConfig(env)
  env.check()

  const log = createLog({ service: config.name, level: config.logLevel })
  const db = openDatabase({ url: config.poolDatabaseUrl, applicationName: config.name })
  stack.defer(() => db.close())
  await migrate(db, POOL_MIGRATIONS)
  const settings = await poolSettings(db, config)
  await requireRedis(config.redisUrl)
  const bus = openRedisBus({ redisUrl: config.redisUrl, log, pool: settings.pool })
  stack.defer(() => bus.close())
  const service = await startChannelService(config, { db, bus, clock: systemClock, log, settings })
  stack.defer(() => service.stop())
  const server = createServer((_request, response) => response.writeHead(404).end())
  stack.defer(() => void server.close())
  attachChannelService(server, new URL(config.endpoint).pathname, service)
  server.listen({ port: config.port, host: config.host, backlog: 4_096 })
  await once(server, 'listening')
  ready({ ready: config.endpoint })
  return { fenced: service.fenced }
})
