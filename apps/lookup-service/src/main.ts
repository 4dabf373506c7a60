import '@hansard/config/node-floor'
import { openRedisBus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { createHttpServer } from '@hansard/http'
import { runProcess } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { openTokenKeys, POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { requireRedis } from '@hansard/redis'
import { migrate, openDatabase } from '@hansard/sql'
import { lookupProcessConfig } from './config.ts'
import { startLookupService } from './service.ts'

await runProcess(process, 'lookup-service', async ({ stack, ready }) => {
  const env = new Env(process.env)
  const config = lookupProcessConfig(env)
  env.check()

  const log = createLog({ service: config.name, level: config.logLevel })
  const db = openDatabase({ url: config.poolDatabaseUrl, applicationName: config.name })
  stack.defer(() => db.close())
  await migrate(db, POOL_MIGRATIONS)
  const settings = await poolSettings(db, config)
  await requireRedis(config.redisUrl)
  const bus = openRedisBus({ redisUrl: config.redisUrl, log, pool: settings.pool })
  stack.defer(() => bus.close())
  const server = await createHttpServer(config.http, { clock: systemClock, log })
  // Registered here too: a later step that fails must not leave its loops running. Stopping twice is one stop.
  stack.defer(() => server.stop())
  const tokenKeys = await openTokenKeys({
    db,
    clock: systemClock,
    source: config.tokenKeys,
    onError: (error) => log.error({ err: error }, 'the token keys could not be read again'),
  })
  const service = await startLookupService(config, {
    app: server.app,
    db,
    bus,
    clock: systemClock,
    log,
    tokenKeys,
    settings,
    version: '0.1.0',
  })
  stack.defer(() => service.stop())
  stack.defer(() => server.stop())
  await server.listen()
  ready({ ready: config.url })
  return { fenced: service.fenced }
})
