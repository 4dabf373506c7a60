import { type Database, type Lease, underLease } from '@hansard/sql'
import { type Export, exportsBefore } from './exports.ts'
import { oneNumber } from './one-number.ts'

/** The rounds of checking sealed files against their hashes. `startedAt` 0: there was none yet. */
type FileCheck = { readonly startedAt: number; readonly beforeExportId: number | null }

export type DamagedFile = {
  readonly adapter: string
  readonly number: number
  readonly directory: string
  readonly name: string
  /** such as `is missing` */
  readonly problem: string
}

export async function fileCheck(db: Database): Promise<FileCheck> {
  const row = await db.knex('file_check').where({ id: 1 }).first()
  return { startedAt: row?.started_at ?? 0, beforeExportId: row?.before_export_id ?? null }
}

export async function beginFileCheck(db: Database, lease: Lease, now: number): Promise<void> {
  await underLease(db, lease, async (tx) => {
    const last = (await oneNumber(tx('export').max('id'))) ?? 0
    const row = { started_at: now, before_export_id: last + 1 }
    await tx('file_check')
      .insert({ id: 1, ...row })
      .onConflict('id')
      .merge(row)
  })
}

/** The next sealed exports of the round, newest first. */
export async function nextToCheck(db: Database, before: number, limit: number): Promise<Export[]> {
  return exportsBefore(db, before, limit)
}

/** Records what was found in these exports, in place of what was found before. `before`: how far the round is now. */
export async function recordFileCheck(
  db: Database,
  lease: Lease,
  {
    checked,
    damaged,
    before,
    now,
  }: {
    checked: readonly number[]
    damaged: readonly { readonly exportId: number; readonly name: string; readonly problem: string }[]
    /** undefined: no round */
    before?: number | null | undefined
    now: number
  },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('damaged_file')
      .whereIn('export_id', [...checked])
      .delete()
    const rows = damaged.map(({ exportId, name, problem }) => ({ export_id: exportId, name, problem, found_at: now }))
    for (let from = 0; from < rows.length; from += 100) await tx('damaged_file').insert(rows.slice(from, from + 100))
    if (before !== undefined) await tx('file_check').where({ id: 1 }).update({ before_export_id: before })
  })
}

/** What the checks have found and nobody has restored yet: how many, and the newest. */
export async function damagedFiles(
  db: Database,
  { limit }: { limit: number },
): Promise<{ readonly count: number; readonly files: DamagedFile[] }> {
  const count = (await oneNumber(db.knex('damaged_file').count())) ?? 0
  if (count === 0) return { count, files: [] }
  const rows: { adapter: string; number: number; settings: string | null; name: string; problem: string }[] = await db
    .knex('damaged_file as d')
    .join('export as e', 'e.id', 'd.export_id')
    .orderBy([{ column: 'd.export_id', order: 'desc' }, { column: 'd.name' }])
    .limit(limit)
    .select('e.adapter', 'e.number', 'e.settings', 'd.name', 'd.problem')
  const files = rows.map(({ settings, ...row }) => ({
    ...row,
    directory: (JSON.parse(settings ?? '{}') as { directory?: string }).directory ?? '',
  }))
  return { count, files }
}
