import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { systemClock } from '@hansard/clock'
import { ReleaseRefused, release } from './release.ts'

const USAGE = 'npm run release -- VERSION [--dry-run]\n'

// npm run release -- 1.2.3 [--dry-run]
try {
  const { values, positionals } = parseArgs({
    options: { 'dry-run': { type: 'boolean', default: false } },
    allowPositionals: true,
  })
  const [version] = positionals
  if (version === undefined || positionals.length > 1)
    throw new ReleaseRefused(`One version is needed: ${USAGE.trim()}`)
  const dryRun = values['dry-run']
  const date = new Date(systemClock.now()).toISOString().slice(0, 10)
  const made = release({ root: resolve(import.meta.dirname, '../../..'), version, date, dryRun })
  if (dryRun) process.stdout.write(`${made.section}\n\n`)
  const verb = dryRun ? 'Would change' : 'Changed'
  process.stdout.write(`${verb} ${made.changed.length} files, with ${made.removed.length} fragments in CHANGELOG.md.\n`)
  if (dryRun) for (const file of made.changed) process.stdout.write(`  ${file}\n`)
  else process.stdout.write(`Committed, and tagged ${made.tag}. Publish it with: git push --follow-tags\n`)
} catch (error) {
  const usage = (error as NodeJS.ErrnoException).code?.startsWith('ERR_PARSE_ARGS')
  if (!(error instanceof ReleaseRefused) && !usage) throw error
  process.stderr.write(`${(error as Error).message}\n${usage ? USAGE : ''}`)
  process.exitCode = 1
}
