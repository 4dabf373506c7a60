import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import { countTests, type TestReport } from './count-tests.ts'
import { provisionPrograms } from './provision-programs.ts'
import { REPORT_FILE } from './report-file.ts'
import { type RunStep, runSteps } from './run-steps.ts'

const root = resolve(import.meta.dirname, '../../..')
const chosen = process.argv.slice(2)
const env = { ...process.env, NO_COLOR: '1', TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' }
const say = (text: string) => void process.stdout.write(text)

// One after another, concurrently with the tests, which mostly wait. The types of the tests need the build.
const STEPS: readonly RunStep[] = [
  { name: 'lint', command: 'biome', args: ['check', '.'], saw: /Checked [1-9]\d* files/ },
  {
    name: 'build',
    command: 'turbo',
    args: ['run', 'build', '--output-logs=errors-only'],
    saw: /Running build in [1-9]\d* packages/,
  },
  { name: 'types of the tests', command: 'tsc', args: ['-p', 'tsconfig.tests.json', '--singleThreaded'] },
  { name: 'boundaries', command: 'turbo', args: ['boundaries'], saw: /Checked [1-9]\d* files/ },
]

async function runTests(): Promise<{ counts: ReturnType<typeof countTests>; good: boolean }> {
  const file = join(root, REPORT_FILE)
  mkdirSync(dirname(file), { recursive: true })
  rmSync(file, { force: true })
  const args = ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${file}`, ...chosen]
  const child = spawn('vitest', args, { cwd: root, env, stdio: 'inherit' })
  const status = await new Promise<number | null>((done) => {
    child.once('error', () => done(null))
    child.once('exit', done)
  })
  return { counts: countTests(readReport(file), root), good: status === 0 }
}

function readReport(file: string): TestReport {
  try {
    return JSON.parse(readFileSync(file, 'utf8')) as TestReport
  } catch {
    // vitest ended before it wrote one.
    return { testResults: [] }
  }
}

const nodeMajor = Number(process.versions.node.split('.')[0])
const missing = [
  ...(nodeMajor >= 24 ? [] : [`Node 24 (this is ${process.version}; run npm ci, then npm test)`]),
  ...provisionPrograms(process.env),
]
if (missing.length > 0) {
  say(`The tests need programs that are missing on this machine: ${missing.join(', ')}.\n`)
  process.exitCode = 1
} else {
  const [steps, { counts, good }] = await Promise.all([
    runSteps(chosen.length > 0 ? [] : STEPS, { root, env }),
    runTests(),
  ])
  for (const { name, passed, seconds, output } of steps)
    say(`${passed ? 'ok    ' : 'FAILED'}  ${name} (${seconds.toFixed(1)} s)\n${passed ? '' : output}`)
  const stepsFailed = steps.filter(({ passed }) => !passed).length
  // vitest also fails because of errors outside of tests, such as uncaught ones.
  const besides = !good && counts.failed === 0 ? 1 : 0
  for (const name of counts.skippedNames) say(`skipped: ${name}\n`)
  if (stepsFailed > 0) say(`${stepsFailed} of the steps beside the tests failed; counted below.\n`)
  if (besides > 0) say('Every test passed, but the run failed: see the errors above. It is counted as one failure.\n')
  const failed = counts.failed + stepsFailed + besides
  say(`${counts.passed} passed, ${failed} failed, ${counts.skipped} skipped\n`)
  if (failed > 0) process.exitCode = 1
}
