import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Explained, judge, type TestedMutant } from './judge.ts'
import { testFile } from './test-file.ts'

// npm run mutants -- [durable-file …]: see ../README.md.

/** What is mutated, by name: the code that may lose, leak or falsify. The quick ones come first. */
const TARGETS: Readonly<Record<string, string>> = {
  'durable-file': 'packages/durable-file/src',
  conversation: 'packages/conversation/src',
  rooms: 'packages/rooms/src',
  evidence: 'packages/evidence/src',
  relay: 'apps/relay/src',
  record: 'packages/pool-store/src/record',
  staging: 'packages/staging/src',
  'compliance-worker': 'apps/compliance-worker/src',
}

const root = resolve(import.meta.dirname, '../../..')
const CACHE = join(root, 'node_modules/.cache/hansard/mutants')
const { positionals, values } = parseArgs({ allowPositionals: true, options: { cached: { type: 'boolean' } } })
const names = positionals.length > 0 ? positionals : Object.keys(TARGETS)
const unknown = names.filter((name) => TARGETS[name] === undefined)
if (unknown.length > 0) {
  const known = Object.keys(TARGETS).join(', ')
  process.stderr.write(`There is no ${unknown.join(', ')} to mutate. These are: ${known}.\n`)
  process.exitCode = 2
} else {
  const explained = JSON.parse(readFileSync(join(root, 'test/mutants/survivors.json'), 'utf8')) as Explained[]
  for (const name of names) {
    const { tested, killed, problems } = judge(name, testTarget(TARGETS[name]!), explained)
    const share = tested === 0 ? '' : `, ${((100 * killed) / tested).toFixed(1)} %`
    process.stdout.write(`${name}: ${killed} of ${tested} mutants killed${share}\n`)
    for (const problem of problems) process.stdout.write(`  ${problem}\n`)
    if (problems.length > 0) process.exitCode = 1
  }
}

function testTarget(folder: string): TestedMutant[] {
  const files = globSync(`${folder}/**/*.ts`, { cwd: root }).sort()
  const tests = files.filter((file) => file.endsWith('.test.ts'))
  const near = new Map(files.map((file) => [file, readFileSync(join(root, file))]))
  return files.filter(isMutated).flatMap((file) => testOrRecall(file, tests, near))
}

/** Tests and what they use are not mutated, nor lists of exports, nor tables that a migration creates once. */
function isMutated(file: string): boolean {
  const name = basename(file)
  if (name.endsWith('.test.ts') || name.endsWith('-in-test.ts') || file.includes('/testing/')) return false
  return name !== 'index.ts' && name !== 'main.ts' && !file.includes('/migrations')
}

/** What was found before holds until a file of the folder changes. A run that was cut off goes on after it. */
function testOrRecall(file: string, tests: readonly string[], near: ReadonlyMap<string, Buffer>): TestedMutant[] {
  const hash = createHash('sha256').update(near.get(file)!)
  for (const test of tests) hash.update(near.get(test)!)
  const kept = join(CACHE, `${file.replaceAll('/', '_')}.json`)
  const key = hash.digest('hex')
  if (existsSync(kept)) {
    const before = JSON.parse(readFileSync(kept, 'utf8')) as { key: string; mutants: TestedMutant[] }
    if (before.key === key || values.cached) return before.mutants
  }
  if (values.cached) return []
  process.stdout.write(`${file} …\n`)
  const mutants = testFile(root, file, tests)
  mkdirSync(dirname(kept), { recursive: true })
  writeFileSync(kept, JSON.stringify({ key, mutants }))
  return mutants
}
