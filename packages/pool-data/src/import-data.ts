import { withSnapshot } from '@hansard/sql'
import { DATA_KINDS } from './data-format.ts'
import { importCategories } from './import-categories.ts'
import { importChats } from './import-chats.ts'
import { importFiles } from './import-files.ts'
import { importCategoryScopes, importGroupMembers, importRoomRoles } from './import-lists.ts'
import { importPersonal, importReadMarks } from './import-personal.ts'
import { importPrincipals } from './import-principals.ts'
import { importRooms } from './import-rooms.ts'
import { type ImportDeps, type ImportRun, openImportRun } from './import-run.ts'
import { importAddIns, importConfiguration, importEndpoints, importPolicies } from './import-settings.ts'
import type { DataFile } from './open-data-file.ts'
import { checkOwners } from './read-owners.ts'
import type { DataReport } from './report.ts'

export type ImportOptions = ImportDeps & {
  /** name of the pool, for the report */
  readonly pool: string
  /** account of the importer, for the report */
  readonly by: string
  /** Reports what would be done and changes nothing: it reads in a read-only transaction. */
  readonly dryRun: boolean
}

const PROBLEMS_IN_REPORT = 10_000

/**
 * Imports a data file into a pool.
 *
 * The whole file is checked first. Then it is imported in batches, each one transaction with its events. If the
 * import is killed at any moment, running it again completes it with the result of one uninterrupted run. Existing
 * data is overwritten, except chats.
 */
export async function importData(file: DataFile, options: ImportOptions): Promise<DataReport> {
  await file.check()
  await checkOwners(file)
  if (options.dryRun) return withSnapshot(options.db, (reader) => carryOut(file, options, reader))
  return carryOut(file, options, undefined)
}

type Reader = Parameters<Parameters<typeof withSnapshot>[1]>[0]

async function carryOut(file: DataFile, options: ImportOptions, reader: Reader | undefined): Promise<DataReport> {
  const { run, finish, release } = await openImportRun(file, options, reader)
  try {
    await importPolicies(run)
    await importPrincipals(run)
    await importGroupMembers(run)
    await importAddIns(run)
    await importEndpoints(run)
    await importConfiguration(run)
    await importCategories(run)
    await importCategoryScopes(run)
    await importRooms(run)
    await importRoomRoles(run)
    await importPersonal(run)
    await importFiles(run)
    await importChats(run)
    await importReadMarks(run)
    const report = reportOf(run, options)
    await finish()
    return report
  } finally {
    await release()
  }
}

function reportOf(run: ImportRun, { pool, by, dryRun, clock }: ImportOptions): DataReport {
  const { manifest, about } = run.file
  const counts: Record<string, Record<string, number>> = {}
  // Count every kind the file may contain, including those without lines.
  for (const kind of DATA_KINDS) if (run.file.has(kind)) counts[kind] = {}
  const tallies = [...run.tallies.values()]
  for (const tally of tallies) {
    for (const [kind, outcomes] of Object.entries(tally.counts)) {
      const sum = counts[kind] ?? {}
      counts[kind] = sum
      for (const [outcome, n] of Object.entries(outcomes)) sum[outcome] = (sum[outcome] ?? 0) + n
    }
  }
  const problems = tallies.flatMap((tally) => tally.problems)
  const made = counts['principals']?.['made'] ?? 0
  const bytes = counts['bytes of files']?.['left'] ?? 0
  const leftOut = [
    ...(made > 0
      ? [`${made} people, groups or domains are new. New people have no password: give them one to sign in with.`]
      : []),
    ...(bytes > 0
      ? [
          `The bytes of ${bytes} files are not in the data file or have nowhere to go. Import an export with files, or copy them by hand into both file stores.`,
        ]
      : []),
  ]
  return {
    what: dryRun ? 'dry-run' : 'import',
    pool: `${pool}, from ${about.pool}`,
    by,
    at: new Date(clock.now()).toISOString(),
    level: manifest.level,
    scope: manifest.scope,
    start: manifest.start === null ? null : new Date(manifest.start).toISOString(),
    counts,
    leftOut,
    problems: problems.slice(0, PROBLEMS_IN_REPORT),
    problemsMore:
      tallies.reduce((sum, tally) => sum + tally.more, 0) + Math.max(0, problems.length - PROBLEMS_IN_REPORT),
  }
}
