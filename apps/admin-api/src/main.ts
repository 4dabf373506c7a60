import '@hansard/config/node-floor'
import { openRedisBus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { openFileStores } from '@hansard/file-store'
import { baseUrl, createHttpServer } from '@hansard/http'
import { returnMemoryWhenQuiet, runProcess } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { openTokenKeys, POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { openBullTransport } from '@hansard/queue'
import { requireRedis } from '@hansard/redis'
import { migrate, openDatabase } from '@hansard/sql'
import { claimPoolName, migrateStaging } from '@hansard/staging'
import { adminProcessConfig } from './config.ts'
import { requireOperatorPassword } from './operator-account.ts'
import { startAdminApi } from './service.ts'

await runProcess(process, 'admin-api', async ({ stack, ready }) => {
  const env = new Env(process.env)
  const config = adminProcessConfig(env)
  env.check()

  returnMemoryWhenQuiet()

  const log = createLog({ service: 'admin-api', level: config.logLevel })
  const fileStores = config.fileStores && (await openFileStores(config.fileStores))
  const poolDb = openDatabase({ url: config.poolDatabaseUrl, applicationName: 'admin-api' })
  stack.defer(() => poolDb.close())
  const complianceDb = openDatabase({ url: config.complianceDatabaseUrl, applicationName: 'admin-api' })
  stack.defer(() => complianceDb.close())
  await migrate(poolDb, POOL_MIGRATIONS)
  await migrateStaging(complianceDb)
  const settings = await poolSettings(poolDb, config)
  await claimPoolName(complianceDb, settings.pool)
  await requireRedis(config.redisUrl)
  const transport = openBullTransport({ redisUrl: config.redisUrl, pool: settings.pool, log })
  stack.defer(() => transport.close())
  const bus = openRedisBus({ redisUrl: config.redisUrl, pool: settings.pool, log })
  stack.defer(() => bus.close())
  const tokenKeys = await openTokenKeys({
    db: poolDb,
    clock: systemClock,
    source: config.tokenKeys,
    onError: (error) => log.error({ err: error }, 'the token keys could not be read again'),
  })
  await requireOperatorPassword(poolDb, {
    password: config.operatorPassword,
    charactersMin: config.passwordCharactersMin,
  })
  const server = await createHttpServer(config.http, { clock: systemClock, log })
  // Registered here too: a later step that fails must not leave its loops running. Stopping twice is one stop.
  stack.defer(() => server.stop())
  const admin = await startAdminApi(
    { ...config, version: '0.1.0' },
    {
      app: server.app,
      poolDb,
      complianceDb,
      bus,
      clock: systemClock,
      log,
      tokenKeys,
      settings,
      fileStores,
      queueDepth: () => transport.depth().catch(() => undefined),
      queueTroubles: () => transport.troubles(),
    },
  )
  stack.defer(() => admin.stop())
  stack.defer(() => server.stop())
  await server.listen()
  // Only this line of output contains the generated password: nothing may fail between generating and printing it.
  const operator = await admin.createOperator({ password: config.operatorPassword })
  const oneTimePassword = operator.outcome === 'created' ? operator.oneTimePassword : undefined
  if (operator.outcome === 'kept' && operator.passwordDiffers)
    log.warn({}, 'HANSARD_ADMIN_PASSWORD is not the password of the operator; the stored one is kept')
  ready({
    ready: baseUrl(config.http),
    ...(oneTimePassword ? { operator: 'operator', oneTimePassword } : {}),
  })
  // Fenced: another process has taken this name, so this one could not record any change.
  return { fenced: admin.fenced }
})
