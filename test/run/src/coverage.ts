import { spawnSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { resolve } from 'node:path'

type Total = { readonly total: number; readonly covered: number; readonly pct: number }
type Summary = { readonly total: { readonly lines: Total; readonly branches: Total; readonly functions: Total } }

// npm run coverage: which lines the tests of the unit and pool projects reach within this process. What only a child
// process runs (a service that is killed, a whole pool) is not included. Further words filter the tests. The report is
// in coverage/.
const root = resolve(import.meta.dirname, '../../..')
const file = resolve(root, 'coverage/coverage-summary.json')
rmSync(file, { force: true })
const args = [
  'run',
  ...['--project', 'unit', '--project', 'pool'],
  '--coverage',
  '--coverage.include={packages,adapters,apps}/*/src/**/*.ts',
  '--coverage.exclude=**/*-in-test.ts',
  '--coverage.reporter=html',
  '--coverage.reporter=json-summary',
  '--coverage.reportOnFailure',
  ...process.argv.slice(2),
]
const { status, error } = spawnSync('vitest', args, { cwd: root, stdio: 'inherit' })
if (error) throw error
const { lines, branches, functions } = (JSON.parse(readFileSync(file, 'utf8')) as Summary).total
const share = ({ pct, covered, total }: Total) => `${pct.toFixed(1)} % (${covered} of ${total})`
process.stdout.write(`lines ${share(lines)}, branches ${share(branches)}, functions ${share(functions)}\n`)
process.exitCode = status ?? 1
