import '@hansard/config/node-floor'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { createClamdScanner, openFileStores } from '@hansard/file-store'
import { createHttpServer } from '@hansard/http'
import { runProcess } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
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
  const server = await createHttpServer(config.http, {
    clock: systemClock,
    log,
    forceCloseConnections: true,
    // An upload has files open in two stores.
    filesMax: 2 * config.transfersMax,
  })
  // Registered here too: a later step that fails must not leave its loops running. Stopping twice is one stop.
  stack.defer(() => server.stop())
  const { app } = server
  const service = await startFileService(config, { app, db, clock: systemClock, log, pool, domain, scanner, ...stores })
  stack.defer(() => service.stop())
  stack.defer(() => server.stop())
  await server.listen()
  ready({ ready: config.endpoint })
  return { fenced: service.fenced }
})
