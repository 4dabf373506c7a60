import '@hansard/config/node-floor'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { lowerPriorityOfProcess, returnMemoryWhenQuiet, runProcess } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { openBullTransport } from '@hansard/queue'
import { requireRedis } from '@hansard/redis'
import { openDatabase } from '@hansard/sql'
import { claimPoolName, migrateStaging } from '@hansard/staging'
import { complianceProcessConfig } from './config.ts'
import { startComplianceWorker } from './service.ts'

await runProcess(process, 'compliance-worker', async ({ stack, ready }) => {
  const env = new Env(process.env)
  const config = complianceProcessConfig(env)
  env.check()

  lowerPriorityOfProcess()
  returnMemoryWhenQuiet()

  const log = createLog({ service: config.workerName, level: config.logLevel })
  const complianceDb = openDatabase({
    url: config.complianceDatabaseUrl,
    connectionsMax: 10,
    applicationName: config.workerName,
  })
  stack.defer(() => complianceDb.close())
  await migrateStaging(complianceDb)
  const pool = await claimPoolName(complianceDb, config.pool)
  await requireRedis(config.redisUrl)
  const transport = openBullTransport({ redisUrl: config.redisUrl, log, pool })
  stack.defer(() => transport.close())
  const worker = await startComplianceWorker({
    complianceDb,
    transport,
    clock: systemClock,
    log,
    config: { ...config, pool },
  })
  stack.defer(() => worker.stop())
  ready({ ready: config.workerName })
})
