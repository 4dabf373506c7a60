import { once } from 'node:events'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { lowerPriorityOfProcess, returnMemoryWhenQuiet } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { openBullTransport } from '@hansard/queue'
import { openDatabase } from '@hansard/sql'
import { migrateStaging } from '@hansard/staging'
import { complianceProcessConfig } from './config.ts'
import { startComplianceWorker } from './service.ts'

const env = new Env(process.env)
const config = complianceProcessConfig(env)
env.check()

lowerPriorityOfProcess()
returnMemoryWhenQuiet()

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const log = createLog({ service: config.workerName, level: config.logLevel })
const complianceDb = openDatabase({
  url: config.complianceDatabaseUrl,
  connectionsMax: 10,
  applicationName: config.workerName,
})
await migrateStaging(complianceDb)
const transport = openBullTransport({ redisUrl: config.redisUrl, log, pool: config.pool })
const worker = await startComplianceWorker({ complianceDb, transport, clock: systemClock, log, config })
process.stdout.write(`${JSON.stringify({ ready: config.workerName })}\n`)

if (!stop.signal.aborted) await once(stop.signal, 'abort')
await worker.stop()
await transport.close()
await complianceDb.close()
