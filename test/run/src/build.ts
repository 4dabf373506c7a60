import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'

// `npm ci` and `npm start` build first. turbo prints all packages and a telemetry notice, which are of no use to a user
// who starts a pool: the output is shown only when the build fails.
const { status, stdout, stderr, error } = spawnSync('turbo', ['run', 'build', '--output-logs=errors-only'], {
  cwd: resolve(import.meta.dirname, '../../..'),
  env: { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' },
  encoding: 'utf8',
  maxBuffer: 64 * 1_024 * 1_024,
})
const built = /Tasks:\s+(\d+) successful, \1 total/.exec(stdout ?? '')?.[1]
if (status !== 0 || built === undefined) {
  process.stdout.write(`${stdout ?? ''}${stderr ?? ''}${error ? `${error.message}\n` : ''}`)
  process.stdout.write('The build failed.\n')
  process.exitCode = 1
}
