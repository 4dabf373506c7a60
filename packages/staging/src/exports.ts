import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import { UNSEALED } from './migrations/exports.ts'
import { oneNumber } from './one-number.ts'

/**
 * Exports: one adapter's output for one closed interval, or for the late events of an earlier one.
 *
 * Per adapter they are numbered 1, 2, 3 … without a gap and sealed in that order, because each manifest contains the
 * hash of the previous one. `planning`: it has a number, and events are being bound to it. `planned`: its set of
 * events is final. `sealed`: its files are evidence and never change.
 */
export type Export = {
  readonly id: number
  readonly adapter: string
  readonly number: number
  readonly kind: 'interval' | 'addendum'
  readonly intervalNumber: number
  readonly startsAt: number
  readonly endsAt: number
  readonly state: 'planning' | 'planned' | 'sealed'
  readonly events: number
  /** recorded when rendering begins; null before that */
  readonly settings: ExportSettings | null
  readonly manifestName: string | null
  readonly manifestSha256: string | null
  readonly previousManifestSha256: string | null
  readonly plannedAt: number
  readonly sealedAt: number | null
  /** what it does not show of the events that it counts; null when it shows all of them, or is not sealed */
  readonly incomplete: string | null
}

/** All inputs besides the events that determine the bytes of an export, and the location of its files. */
export type ExportSettings = {
  readonly adapter: string
  readonly profile: string
  readonly version: string
  readonly engine: string
  readonly stylesheetSha256: string
  readonly pool: string
  readonly options: Readonly<Record<string, boolean | number | string | null>>
  readonly directory: string
  /** absent: the first format, from before formats were recorded */
  readonly manifestFormat?: string | undefined
  /** absent: from before the pages of an export were compared with what they count */
  readonly comparesPages?: boolean | undefined
  /** absent: two people approved what is exported, or nobody had to */
  readonly approval?: 'one-person' | undefined
}

export type ExportFileRecord = {
  readonly name: string
  readonly role: 'document' | 'attachments' | 'chain' | 'manifest'
  readonly size: number
  readonly sha256: string
  readonly events: number
}

/** The adapter's oldest export that is not sealed. */
export async function nextUnsealed(db: Database, adapter: string): Promise<Export | undefined> {
  const row: ExportRow | undefined = await db
    .knex('export')
    .where({ adapter })
    .whereRaw(UNSEALED)
    .orderBy('number')
    .first()
  return row && parseExport(row)
}

export async function findExport(
  db: Database,
  { adapter, number }: { adapter: string; number: number },
): Promise<Export | undefined> {
  const row: ExportRow | undefined = await db.knex('export').where({ adapter, number }).first()
  return row && parseExport(row)
}

/** The exports that have an event, by the names of their adapters. */
export async function exportsOfEvent(
  db: Database,
  { sourceId, seq }: { sourceId: number; seq: number },
): Promise<Export[]> {
  const bound = db.knex('compliance_fanout').where({ source_id: sourceId, seq })
  // The primary key begins with the adapter.
  const adapters = db.knex('adapter_state').select('adapter')
  const ids = bound.whereIn('adapter', adapters).select('export_id')
  const rows: ExportRow[] = await db.knex('export').whereIn('id', ids).orderBy('adapter')
  return rows.map(parseExport)
}

/** The adapter's newest sealed export, and where its last sealed interval ends. */
export async function lastSealed(
  db: Database,
  adapter: string,
): Promise<{ readonly newest: Export; readonly intervalEndsAt: number } | undefined> {
  const sealed = () => db.knex('export').where({ adapter, state: 'sealed' }).orderBy('number', 'desc')
  const row: ExportRow | undefined = await sealed().first()
  const interval: ExportRow | undefined = await sealed().andWhere({ kind: 'interval' }).first()
  return row && { newest: parseExport(row), intervalEndsAt: interval?.ends_at ?? 0 }
}

/** Newest first; `before` is the number to continue from, within one adapter. */
export async function listExports(
  db: Database,
  { adapter, before, limit }: { adapter?: string | undefined; before?: number | undefined; limit: number },
): Promise<(Export & { documents: number; written: number })[]> {
  const query = db
    .knex('export')
    .select('export.*')
    .select(
      db.knex.raw(
        `(select count(*) from export_file f where f.export_id = export.id and f.role = 'document') as documents`,
      ),
    )
    .select(
      db.knex.raw(
        `(select sum(f.events) from export_file f where f.export_id = export.id and f.role = 'document') as written`,
      ),
    )
    .orderBy([{ column: 'interval_number', order: 'desc' }, { column: 'number', order: 'desc' }, { column: 'adapter' }])
    .limit(limit)
  if (adapter !== undefined) query.where({ adapter })
  if (before !== undefined) query.where('number', '<', before)
  const rows: ExportRow[] = await query
  return rows.map((row) => ({
    ...parseExport(row),
    documents: Number(row.documents),
    written: Number(row.written ?? 0),
  }))
}

/**
 * The exports of an interval, and the adapters that still have exports to seal up to it. A stopped adapter stays
 * outstanding: its exports are still due.
 */
export async function exportsOfInterval(
  db: Database,
  intervalNumber: number,
  adapters: readonly string[],
): Promise<{ exports: { adapter: string; number: number; events: number }[]; outstanding: string[] }> {
  const behind: { adapter: string }[] = await db
    .knex('adapter_state')
    .where('exported_through', '<', intervalNumber)
    .select('adapter')
  const unsealed: { adapter: string }[] = await db
    .knex('export')
    .where('interval_number', '<=', intervalNumber)
    .whereRaw(UNSEALED)
    .distinct('adapter')
  const outstanding = new Set([...behind, ...unsealed].map((row) => row.adapter))
  const exports: { adapter: string; number: number; events: number }[] = await db
    .knex('export')
    .where({ interval_number: intervalNumber })
    .orderBy(['adapter', 'number'])
    .select('adapter', 'number', 'events')
  return { exports, outstanding: adapters.filter((adapter) => outstanding.has(adapter)) }
}

/** @internal Sealed exports with a smaller id, newest first. */
export async function exportsBefore(db: Database, id: number, limit: number): Promise<Export[]> {
  const rows: ExportRow[] = await db
    .knex('export')
    .where({ state: 'sealed' })
    .andWhere('id', '<', id)
    .orderBy('id', 'desc')
    .limit(limit)
  return rows.map(parseExport)
}

/** Exports sealed since `since` that do not show everything they count, the newest ones first. */
export async function incompleteExports(
  db: Database,
  { since, limit }: { since: number; limit: number },
): Promise<{ count: number; exports: Pick<Export, 'adapter' | 'number' | 'incomplete'>[] }> {
  const found = () => db.knex('export').whereNotNull('incomplete').andWhere('sealed_at', '>', since)
  const exports: { adapter: string; number: number; incomplete: string }[] = await found()
    .orderBy('id', 'desc')
    .limit(limit)
    .select('adapter', 'number', 'incomplete')
  return { count: (await oneNumber(found().count())) ?? 0, exports }
}

export async function filesOf(db: Database, exportId: number): Promise<ExportFileRecord[]> {
  return db
    .knex('export_file')
    .where({ export_id: exportId })
    .orderBy('position')
    .select('name', 'role', 'size', 'sha256', 'events')
}

/** SHA-256 of the adapter's manifest before this number; null for the first. */
export async function previousManifest(
  db: Database,
  { adapter, number }: { adapter: string; number: number },
): Promise<string | null> {
  if (number === 1) return null
  const row = await db
    .knex('export')
    .where({ adapter, number: number - 1 })
    .first('state', 'manifest_sha256')
  if (row?.state !== 'sealed')
    throw new Error(`${adapter}/${number - 1} is not sealed; ${adapter}/${number} has to wait.`)
  return row.manifest_sha256
}

/**
 * Records the settings of an export before it is rendered. An unsealed export takes the settings of the run that
 * finishes it, so a stylesheet that failed can be corrected.
 */
export async function recordSettings(
  db: Database,
  lease: Lease,
  { exportId, settings, stylesheet }: { exportId: number; settings: ExportSettings; stylesheet: string },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('stylesheet').insert({ sha256: settings.stylesheetSha256, text: stylesheet }).onConflict('sha256').ignore()
    const changed = await tx('export')
      .where({ id: exportId })
      .whereNot('state', 'sealed')
      .update({ settings: JSON.stringify(settings), stylesheet_sha256: settings.stylesheetSha256 })
    if (changed !== 1) throw new Error(`Export ${exportId} is sealed; it cannot be rendered with other settings.`)
  })
}

export async function getStylesheet(db: Database, sha256: string): Promise<string> {
  const row = await db.knex('stylesheet').where({ sha256 }).first('text')
  if (!row) throw new Error(`The stylesheet with SHA-256 ${sha256} is not on record.`)
  return row.text
}

type Seal = {
  exportId: number
  files: readonly ExportFileRecord[]
  previousManifestSha256: string | null
  /** what it does not show of the events that it counts */
  incomplete?: string | undefined
  now: number
}

/** Call when every file of the export is durable, the manifest last. From here on the export is evidence. */
export async function sealExport(db: Database, lease: Lease, seal: Seal): Promise<void> {
  await underLease(db, lease, (tx) => sealRow(tx, seal))
}

/** @internal The transaction and the lease are the caller's. */
export async function sealRow(
  tx: Knex.Transaction,
  { exportId, files, previousManifestSha256, incomplete, now }: Seal,
): Promise<void> {
  const manifest = files.find((file) => file.role === 'manifest')
  if (!manifest) throw new Error(`Export ${exportId} has no manifest; without one it cannot be sealed.`)
  const sealed = await tx('export')
    .where({ id: exportId, state: 'planned' })
    .update({
      state: 'sealed',
      sealed_at: now,
      manifest_name: manifest.name,
      manifest_sha256: manifest.sha256,
      previous_manifest_sha256: previousManifestSha256,
      incomplete: incomplete ?? null,
    })
  if (sealed !== 1) throw new Error(`Export ${exportId} is not planned, or was sealed before.`)
  // The adapter is no longer blocked.
  await tx('adapter_state')
    .whereIn('adapter', tx('export').where({ id: exportId }).select('adapter'))
    .whereNotNull('problem')
    .update({ problem: null, problem_since: null })
  const rows = files.map((file, position) => ({ export_id: exportId, position, ...file }))
  // SQLite limits the number of parameters per statement.
  for (let from = 0; from < rows.length; from += 100) await tx('export_file').insert(rows.slice(from, from + 100))
}

type ExportRow = {
  id: number
  adapter: string
  number: number
  kind: Export['kind']
  interval_number: number
  starts_at: number
  ends_at: number
  state: Export['state']
  events: number
  settings: string | null
  manifest_name: string | null
  manifest_sha256: string | null
  previous_manifest_sha256: string | null
  planned_at: number
  sealed_at: number | null
  incomplete: string | null
  documents?: number | string
  written?: number | string | null
}

function parseExport(row: ExportRow): Export {
  return {
    id: row.id,
    adapter: row.adapter,
    number: row.number,
    kind: row.kind,
    intervalNumber: row.interval_number,
    startsAt: row.starts_at,
    endsAt: row.ends_at,
    state: row.state,
    events: row.events,
    settings: row.settings === null ? null : (JSON.parse(row.settings) as ExportSettings),
    manifestName: row.manifest_name,
    manifestSha256: row.manifest_sha256,
    previousManifestSha256: row.previous_manifest_sha256,
    plannedAt: row.planned_at,
    sealedAt: row.sealed_at,
    incomplete: row.incomplete,
  }
}
