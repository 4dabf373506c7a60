import { once } from 'node:events'
import { systemClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { lowerPriorityOfProcess, returnMemoryWhenQuiet } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { openBullTransport } from '@hansard/queue'
import { migrate, openDatabase } from '@hansard/sql'
import { migrateStaging } from '@hansard/staging'
import { relayProcessConfig } from './config.ts'
import { startRelay } from './service.ts'

const env = new Env(process.env)
const config = relayProcessConfig(env)
env.check()

lowerPriorityOfProcess()
returnMemoryWhenQuiet()

const stop = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => stop.abort())

const log = createLog({ service: config.relayName, level: config.logLevel })
const poolDb = openDatabase({ url: config.poolDatabaseUrl, applicationName: config.relayName })
const complianceDb = openDatabase({ url: config.complianceDatabaseUrl, applicationName: config.relayName })
await migrate(poolDb, POOL_MIGRATIONS)
await migrateStaging(complianceDb)
const { pool } = await poolSettings(poolDb, config)
const transport = openBullTransport({ redisUrl: config.redisUrl, log, pool })
const relay = await startRelay({ poolDb, complianceDb, transport, clock: systemClock, log, config })
process.stdout.write(`${JSON.stringify({ ready: config.relayName })}\n`)

if (!stop.signal.aborted) await once(stop.signal, 'abort')
await relay.stop()
await transport.close()
await poolDb.close()
await complianceDb.close()
