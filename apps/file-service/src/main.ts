import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { createClamdScanner, openFileStores } from '@hansard/file-store'
import { runProcess } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import fastify from 'fastify'
import { fileProcessConfig } from './config.ts'
import { startFileService } from './service.ts'

await runProcess(process, 'file-service', async ({ stack, ready }) => {
  const env = new Env(process.env)
  const config = fileProcessConfig(env)
  env.check()

  const log = createLog({ service: config.name, level: config.logLevel })
  const stores = await openFileStores(config)
  const db = openDatabase({ url: config.poolDatabaseUrl, applicationName: config.name })
  stack.defer(() => db.close())
  await migrate(db, POOL_MIGRATIONS)
  const { pool, domain } = await poolSettings(db, config)
  const scanner =
    config.clamd === undefined ? undefined : createClamdScanner({ address: config.clamd, clock: systemClock })
  // No log of its own: a request's URL may hold a token.
  const app = fastify({ logger: false, forceCloseConnections: true, keepAliveTimeout: 65_000 })
  const service = await startFileService(config, { app, db, clock: systemClock, log, pool, domain, scanner, ...stores })
  stack.defer(() => service.stop())
  stack.defer(() => app.close())
  await app.listen({ host: config.host, port: config.port, backlog: 4_096 })
  ready({ ready: config.endpoint })
  return { fenced: service.fenced }
})
