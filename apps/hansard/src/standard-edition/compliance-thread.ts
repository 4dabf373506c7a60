import { once } from 'node:events'
import { parentPort, workerData } from 'node:worker_threads'
import { systemClock } from '@hansard/clock'
import { lowerPriorityOfThread, startLoop } from '@hansard/lifecycle'
import { createLog } from '@hansard/log'
import { openDatabase } from '@hansard/sql'
import { type ComplianceSideConfig, startComplianceSide } from './compliance-side.ts'

/**
 * The compliance side in a thread of its own, with its own connections to the two database files: staging a flood of
 * events or rendering a large export does not keep a chat waiting, and where processors are short it comes after chat.
 */
lowerPriorityOfThread()

const { config, poolDatabase, complianceDatabase, logLevel } = workerData as {
  config: ComplianceSideConfig
  poolDatabase: string
  complianceDatabase: string
  logLevel: string
}
const poolDb = openDatabase({ url: poolDatabase })
const complianceDb = openDatabase({ url: complianceDatabase })
const log = createLog({ service: 'compliance', level: logLevel })
const side = await startComplianceSide(config, { poolDb, complianceDb, clock: systemClock, log })
const report = startLoop({
  clock: systemClock,
  everyMs: 500,
  turn: async () => parentPort!.postMessage(side.queueDepth()),
  onError: () => {},
})
await once(parentPort!, 'message')
await report.stop()
await side.stop()
await poolDb.close()
await complianceDb.close()
parentPort!.close()
