import { createHash } from 'node:crypto'
import { existsSync, globSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { basename, dirname, join, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { type Explained, judge, type TestedMutant } from './judge.ts'
import { scratchCopy } from './scratch-copy.ts'
import { testFile } from './test-file.ts'

// npm run mutants -- [durable-file …]: see ../README.md.

/** What is mutated, and the tests that have to notice, besides those in its folder. */
type Target = { readonly folder: string; readonly tests?: string }

/** The code that may lose, leak or falsify. The quick ones come first. */
const TARGETS: Readonly<Record<string, Target>> = {
  'durable-file': { folder: 'packages/durable-file/src' },
  conversation: { folder: 'packages/conversation/src' },
  rooms: { folder: 'packages/rooms/src' },
  // The verifiers are compared on whole packages by the command that runs them.
  evidence: { folder: 'packages/evidence/src', tests: 'apps/hansard/src/exports/{verify*,mutations}.test.ts' },
  relay: { folder: 'apps/relay/src' },
  record: { folder: 'packages/pool-store/src/record' },
  staging: { folder: 'packages/staging/src' },
  'compliance-worker': { folder: 'apps/compliance-worker/src' },
}

const root = resolve(import.meta.dirname, '../../..')
const CACHE = join(root, 'node_modules/.cache/hansard/mutants')
const { positionals, values } = parseArgs({ allowPositionals: true, options: { cached: { type: 'boolean' } } })
/** A result of another way of testing says nothing. */
const TESTER = ['test/mutants/src/test-file.ts', 'test/mutants/vitest-for-mutants.ts']
const names = positionals.length > 0 ? positionals : Object.keys(TARGETS)
let scratch: ReturnType<typeof scratchCopy> | undefined
const unknown = names.filter((name) => TARGETS[name] === undefined)
if (unknown.length > 0) {
  const known = Object.keys(TARGETS).join(', ')
  process.stderr.write(`There is no ${unknown.join(', ')} to mutate. These are: ${known}.\n`)
  process.exitCode = 2
} else {
  const explained = JSON.parse(readFileSync(join(root, 'test/mutants/survivors.json'), 'utf8')) as Explained[]
  try {
    for (const name of names) {
      const { tested, killed, problems } = judge(name, testTarget(TARGETS[name]!), explained)
      const share = tested === 0 ? '' : `, ${((100 * killed) / tested).toFixed(1)} %`
      process.stdout.write(`${name}: ${killed} of ${tested} mutants killed${share}\n`)
      for (const problem of problems) process.stdout.write(`  ${problem}\n`)
      if (problems.length > 0) process.exitCode = 1
    }
  } finally {
    scratch?.remove()
  }
}

function testTarget({ folder, tests: others }: Target): TestedMutant[] {
  const files = globSync(`${folder}/**/*.ts`, { cwd: root }).sort()
  const tests = files.filter((file) => file.endsWith('.test.ts'))
  if (others !== undefined) tests.push(...globSync(others, { cwd: root }).sort())
  return files.filter(isMutated).flatMap((file) => testOrRecall(file, tests))
}

/** Tests and what they use are not mutated, nor lists of exports, nor tables that a migration creates once. */
function isMutated(file: string): boolean {
  const name = basename(file)
  if (name.endsWith('.test.ts') || name.endsWith('-in-test.ts') || file.includes('/testing/')) return false
  return name !== 'index.ts' && name !== 'main.ts' && !file.includes('/migrations')
}

/** What was found before holds until the file or a test changes. A run that was cut off goes on after it. */
function testOrRecall(file: string, tests: readonly string[]): TestedMutant[] {
  const hash = createHash('sha256')
  for (const each of [file, ...tests, ...TESTER]) hash.update(readFileSync(join(root, each)))
  const kept = join(CACHE, `${file.replaceAll('/', '_')}.json`)
  const key = hash.digest('hex')
  if (existsSync(kept)) {
    const before = JSON.parse(readFileSync(kept, 'utf8')) as { key: string; mutants: TestedMutant[] }
    if (before.key === key || values.cached) return before.mutants
  }
  if (values.cached) return []
  process.stdout.write(`${file} …\n`)
  scratch ??= scratchCopy(root)
  const mutants = testFile(scratch.directory, file, tests)
  mkdirSync(dirname(kept), { recursive: true })
  writeFileSync(kept, JSON.stringify({ key, mutants }))
  return mutants
}
