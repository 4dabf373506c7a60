import { spawnSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import type { TestedMutant } from './judge.ts'

const STRYKER = join(
  dirname(createRequire(import.meta.url).resolve('@stryker-mutator/core/package.json')),
  'bin/stryker.js',
)
/** beyond the time that the tests take without a mutant: a mutant may wait for ever */
const MUTANT_MS_MAX = 30_000

type Report = {
  readonly files: Readonly<Record<string, { readonly source: string; readonly mutants: readonly Found[] }>>
}
type Found = {
  readonly replacement: string
  readonly status: string
  readonly statusReason?: string
  readonly location: { readonly start: Place; readonly end: Place }
}
/** both count from 1 */
type Place = { readonly line: number; readonly column: number }

/**
 * Changes one file in every way that StrykerJS knows, one change at a time, in a copy of the repository, and runs the
 * tests of its package that reach the change. Texts are not changed: their words are nobody's promise, and a test that
 * compares every word breaks with every word.
 */
export function testFile(root: string, file: string, tests: readonly string[]): TestedMutant[] {
  const scratch = mkdtempSync(join(tmpdir(), 'hansard-mutants-'))
  try {
    const report = join(scratch, 'report.json')
    const config = join(scratch, 'stryker.json')
    const options = {
      testRunner: 'vitest',
      plugins: ['@stryker-mutator/vitest-runner'],
      vitest: { configFile: 'test/mutants/vitest.config.ts' },
      mutate: [file],
      testFiles: tests,
      // No type check: most mutants that do not compile do run.
      tsconfigFile: 'none',
      disableTypeChecks: false,
      mutator: { excludedMutations: ['StringLiteral'] },
      coverageAnalysis: 'perTest',
      concurrency: 1,
      timeoutMS: MUTANT_MS_MAX,
      ignorePatterns: ['**/dist', 'docs', 'coverage', '.turbo'],
      tempDirName: join(scratch, 'copy'),
      reporters: ['json'],
      jsonReporter: { fileName: report },
      allowEmpty: true,
    }
    writeFileSync(config, JSON.stringify(options))
    const { status, error } = spawnSync(process.execPath, [STRYKER, 'run', config], {
      cwd: root,
      stdio: ['ignore', 'ignore', 'inherit'],
    })
    if (error) throw error
    if (status !== 0) throw new Error(`StrykerJS could not test ${file}: see above.`)
    return mutantsOf(JSON.parse(readFileSync(report, 'utf8')) as Report)
  } finally {
    rmSync(scratch, { recursive: true, force: true })
  }
}

function mutantsOf({ files }: Report): TestedMutant[] {
  return Object.entries(files).flatMap(([file, { source, mutants }]) => {
    const lines = source.split('\n')
    return mutants.flatMap(({ status, replacement, location: { start, end } }): TestedMutant[] => {
      const outcome = OUTCOMES[status]
      if (outcome === undefined) return []
      const line = lines[start.line - 1]!.trim()
      return [{ file, line, was: cut(lines, start, end), becomes: replacement, outcome }]
    })
  })
}

/** A mutant that makes the tests wait is noticed; one that does not compile is none. */
const OUTCOMES: Readonly<Record<string, TestedMutant['outcome']>> = {
  Killed: 'killed',
  Timeout: 'killed',
  Survived: 'survived',
  NoCoverage: 'survived',
}

function cut(lines: readonly string[], start: Place, end: Place): string {
  if (start.line === end.line) return lines[start.line - 1]!.slice(start.column - 1, end.column - 1)
  const between = lines.slice(start.line, end.line - 1)
  return [
    lines[start.line - 1]!.slice(start.column - 1),
    ...between,
    lines[end.line - 1]!.slice(0, end.column - 1),
  ].join('\n')
}
