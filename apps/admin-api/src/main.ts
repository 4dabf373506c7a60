import { once } from 'node:events'
import { openRedisBus } from '@hansard/bus'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { openFileStores } from '@hansard/file-store'
import { baseUrl, createHttpServer } from '@hansard/http'
import { createLog } from '@hansard/log'
import { createSignIn, POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { openBullTransport } from '@hansard/queue'
import { migrate, openDatabase } from '@hansard/sql'
import { migrateStaging } from '@hansard/staging'
import { adminProcessConfig } from './config.ts'
import { startAdminApi } from './service.ts'

const env = new Env(process.env)
const config = adminProcessConfig(env)
env.check()

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const log = createLog({ service: 'admin-api', level: config.logLevel })
const fileStores = config.fileStores && (await openFileStores(config.fileStores))
const poolDb = openDatabase({ url: config.poolDatabaseUrl, applicationName: 'admin-api' })
const complianceDb = openDatabase({ url: config.complianceDatabaseUrl, applicationName: 'admin-api' })
await migrate(poolDb, POOL_MIGRATIONS)
await migrateStaging(complianceDb)
const settings = await poolSettings(poolDb, config)
const transport = openBullTransport({ redisUrl: config.redisUrl, pool: settings.pool, log })
const bus = openRedisBus({ redisUrl: config.redisUrl, pool: settings.pool, log })
const server = await createHttpServer(config.http, { clock: systemClock, log })
const admin = await startAdminApi(
  { ...config, version: '0.1.0' },
  {
    app: server.app,
    poolDb,
    complianceDb,
    bus,
    clock: systemClock,
    log,
    signIn: createSignIn({ db: poolDb, clock: systemClock, signingKey: settings.signingKey }),
    settings,
    fileStores,
    queueDepth: () => transport.depth().catch(() => undefined),
  },
)
await server.listen()
// Only this line of output contains the generated password: nothing may fail between generating and printing it.
const operator = await admin.createOperator({ password: config.operatorPassword })
const oneTimePassword = operator.outcome === 'created' ? operator.oneTimePassword : undefined
if (operator.outcome === 'kept' && operator.passwordDiffers)
  log.warn({}, 'HANSARD_ADMIN_PASSWORD is not the password of the operator; the stored one is kept')
const ready = baseUrl(config.http)
process.stdout.write(
  `${JSON.stringify({ ready, ...(oneTimePassword ? { operator: 'operator', oneTimePassword } : {}) })}\n`,
)

// Fenced: another process has taken this name, so this one could not record any change.
const fenced = admin.fenced.then(() => 'fenced' as const)
const stopped = once(stop.signal, 'abort').then(() => 'stopped' as const)
if ((await Promise.race(stop.signal.aborted ? ['stopped' as const] : [fenced, stopped])) === 'fenced')
  process.exitCode = 1
await server.stop()
await admin.stop()
await bus.close()
await transport.close()
await poolDb.close()
await complianceDb.close()
