import '@hansard/config/node-floor'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { lowerPriorityOfProcess, returnMemoryWhenQuiet, runProcess } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { openBullTransport } from '@hansard/queue'
import { requireRedis } from '@hansard/redis'
import { migrate, openDatabase } from '@hansard/sql'
import { claimPoolName, migrateStaging } from '@hansard/staging'
import { relayProcessConfig } from './config.ts'
import { startRelay } from './service.ts'

await runProcess(process, 'relay', async ({ stack, ready }) => {
  const env = new Env(process.env)
  const config = relayProcessConfig(env)
  env.check()

  lowerPriorityOfProcess()
  returnMemoryWhenQuiet()

  const log = createLog({ service: config.relayName, level: config.logLevel })
  const poolDb = openDatabase({ url: config.poolDatabaseUrl, applicationName: config.relayName })
  stack.defer(() => poolDb.close())
  const complianceDb = openDatabase({ url: config.complianceDatabaseUrl, applicationName: config.relayName })
  stack.defer(() => complianceDb.close())
  await migrate(poolDb, POOL_MIGRATIONS)
  await migrateStaging(complianceDb)
  const { pool } = await poolSettings(poolDb, config)
  await claimPoolName(complianceDb, pool)
  await requireRedis(config.redisUrl)
  const transport = openBullTransport({ redisUrl: config.redisUrl, log, pool })
  stack.defer(() => transport.close())
  const relay = await startRelay({ poolDb, complianceDb, transport, clock: systemClock, log, config })
  stack.defer(() => relay.stop())
  ready({ ready: config.relayName })
})
