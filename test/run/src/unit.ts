import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { serverlessPackages } from './serverless-packages.ts'

// npm run test:unit: rules and packages without a server. Further words filter the tests, as for vitest.
const root = resolve(import.meta.dirname, '../../..')
const folders = serverlessPackages(root).map((folder) => `${folder}/src/`)
const { status, error } = spawnSync('vitest', ['run', '--project', 'unit', ...folders, ...process.argv.slice(2)], {
  cwd: root,
  stdio: 'inherit',
})
if (error) throw error
process.exitCode = status ?? 1
