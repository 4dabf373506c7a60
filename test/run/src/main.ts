import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { countTests, type TestReport } from './count-tests.ts'
import { provisionPrograms } from './provision-programs.ts'

const root = resolve(import.meta.dirname, '../../..')
const chosen = process.argv.slice(2)
const env = { ...process.env, NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }

/**
 * Runs one step; its output is shown only when it fails. `saw` is what a step says that looked at something: one that
 * looked at nothing has not passed.
 */
function step(name: string, command: string, args: readonly string[], saw?: RegExp): boolean {
  const started = performance.now()
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd: root, env, maxBuffer: 64 * 1_024 * 1_024 })
  const seconds = ((performance.now() - started) / 1_000).toFixed(1)
  const good = status === 0 && (saw === undefined || saw.test(`${stdout}${stderr}`))
  process.stdout.write(`${good ? 'ok    ' : 'FAILED'}  ${name} (${seconds} s)\n`)
  if (!good) process.stdout.write(`${stdout}${stderr}${error ? `${error.message}\n` : ''}`)
  return good
}

function runTests(): { counts: ReturnType<typeof countTests>; good: boolean } {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-test-run-'))
  const file = join(directory, 'report.json')
  try {
    const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...chosen]
    const { status } = spawnSync('vitest', args, { cwd: root, env, stdio: 'inherit' })
    return { counts: countTests(readReport(file), root), good: status === 0 }
  } finally {
    rmSync(directory, { recursive: true })
  }
}

function readReport(file: string): TestReport {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestReport
  } catch {
    // vitest ended before it could write one.
    return { testResults: [] }
  }
}

const nodeMajor = Number(process.versions.node.split('.')[0])
const missing = [
  ...(nodeMajor >= 24 ? [] : [`Node 24 (this is ${process.version}; run npm ci, then npm test)`]),
  ...provisionPrograms(process.env),
]
if (missing.length > 0) {
  process.stdout.write(`The tests need what this machine does not have: ${missing.join(', ')}.\n`)
  process.exitCode = 1
} else {
  const steps =
    chosen.length > 0
      ? []
      : [
          step('lint', 'biome', ['check', '.'], /Checked [1-9]\d* files/),
          step('build', 'turbo', ['run', 'build', '--output-logs=errors-only'], /Running build in [1-9]\d* packages/),
          step('types of the tests', 'tsc', ['-p', 'tsconfig.tests.json']),
          step('boundaries', 'turbo', ['boundaries'], /Checked [1-9]\d* files/),
        ]
  const { counts, good } = runTests()
  const stepsFailed = steps.filter((passed) => !passed).length
  // vitest also fails for what belongs to no test: an error that nobody caught, say.
  const besides = !good && counts.failed === 0 ? 1 : 0
  for (const name of counts.skippedNames) process.stdout.write(`skipped: ${name}\n`)
  if (stepsFailed > 0) process.stdout.write(`${stepsFailed} of the steps before the tests failed; counted below.\n`)
  if (besides > 0)
    process.stdout.write('Every test passed and yet the run failed: see the errors above; counted below.\n')
  const failed = counts.failed + stepsFailed + besides
  process.stdout.write(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped\n`)
  if (failed > 0) process.exitCode = 1
}
