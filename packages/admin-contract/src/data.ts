import { z } from 'zod'

/**
 * Export and import of pool data. These two routes are not in the catalogue because they carry streams: the export is
 * a zip; the import takes one and answers lines of JSON while it runs. Both require the role administrator.
 *
 * `GET /admin/data/export`: the zip. `POST /admin/data/export` with `disableRooms=true`: disables the rooms first.
 * `POST /admin/data/import`, `Content-Type: application/zip`: see `ImportLine`.
 */
export const DATA_EXPORT_PATH = '/admin/data/export'
export const DATA_IMPORT_PATH = '/admin/data/import'

const flag = z.enum(['true', 'false']).default('false')

export const ExportDataQuery = z.strictObject({
  level: z.enum(['all', 'user', 'category', 'room-directory', 'content']).default('all'),
  /** names of categories; may be repeated */
  scope: z.union([z.string(), z.array(z.string()).max(10_000)]).optional(),
  /** ISO 8601; with the level room-directory: rooms created or posted in since */
  start: z.iso.datetime({ offset: true }).optional(),
  disableRooms: flag,
  /** includes the contents of files */
  files: flag,
})

export const ImportDataQuery = z.strictObject({
  /** report what would be done and change nothing */
  dryRun: flag,
  /** what the importer calls the file: put on record with every chat */
  name: z.string().min(1).max(255).default('unnamed'),
})

export const DataReportReply = z.object({
  what: z.enum(['export', 'import', 'dry-run']),
  pool: z.string(),
  by: z.string(),
  at: z.string(),
  level: z.string(),
  scope: z.array(z.string()).nullable(),
  start: z.string().nullable(),
  counts: z.record(z.string(), z.record(z.string(), z.number())),
  leftOut: z.array(z.string()),
  problems: z.array(
    z.object({ entry: z.string(), line: z.number().nullable(), subject: z.string(), problem: z.string() }),
  ),
  problemsMore: z.number(),
})
export type DataReportReply = z.infer<typeof DataReportReply>

/**
 * One line of an import's answer. The last one is the report or a problem; without either, the import did not finish.
 */
export const ImportLine = z.union([
  z.object({ at: z.string(), lines: z.number() }),
  z.object({ report: DataReportReply }),
  z.object({ problem: z.object({ error: z.string(), message: z.string(), hint: z.string().optional() }) }),
])
export type ImportLine = z.infer<typeof ImportLine>
