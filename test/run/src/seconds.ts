import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { REPORT_FILE } from './report-file.ts'
import { type TimedReport, tableOfSeconds } from './table-of-seconds.ts'

// npm run test:seconds: how the last `npm test` spent its time.
const root = resolve(import.meta.dirname, '../../..')
let report: TimedReport | undefined
try {
  report = JSON.parse(readFileSync(resolve(root, REPORT_FILE), 'utf8')) as TimedReport
} catch {
  process.stderr.write(`There is no report of a test run yet (${REPORT_FILE}). Run npm test first.\n`)
  process.exitCode = 1
}
if (report) process.stdout.write(`${tableOfSeconds(report, root)}\n`)
