import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import { appendAudit } from './audit.ts'
import type { AuditMark } from './audit-chain.ts'
import { UNSEALED } from './migrations/exports.ts'

export type ClosedInterval = {
  readonly number: number
  readonly startsAt: number
  readonly endsAt: number
  readonly closedAt: number
}

/** A series of exports as it stands when all exports of an interval are due. */
export type PoolSeries = {
  readonly adapter: string
  readonly active: boolean
  /** exports up to this interval are still to be sealed */
  readonly behind: boolean
  /** the newest sealed export of this interval or an earlier one */
  readonly newest:
    | { readonly number: number; readonly directory: string; readonly manifest: string; readonly sha256: string }
    | undefined
}

/** The texts of an interval's pool manifest and checkpoint, recorded before a file is written. */
export type PlannedPoolManifest = {
  readonly number: number
  readonly treeSize: number
  readonly treeRoots: readonly string[]
  readonly manifestSha256: string
  /** the head of the audit trail that the manifest holds */
  readonly audit?: AuditMark | undefined
  readonly files: readonly { readonly name: string; readonly content: string }[]
}

/** What is to be done next: write files that were planned, plan those of an interval, or nothing. */
export async function nextPoolManifest(
  db: Database,
): Promise<
  | { readonly planned: PlannedPoolManifest }
  | { readonly interval: ClosedInterval; readonly previous: PlannedPoolManifest | undefined }
  | undefined
> {
  const row: PoolManifestRow | undefined = await db.knex('pool_manifest').orderBy('number', 'desc').first()
  if (row && row.state !== 'sealed') return { planned: parseRow(row) }
  const interval: { number: number; starts_at: number; ends_at: number; closed_at: number } | undefined = await db
    .knex('closed_interval')
    .where('number', '>', row?.number ?? 0)
    .orderBy('number')
    .first('number', 'starts_at', 'ends_at', 'closed_at')
  if (!interval) return undefined
  const { number, starts_at: startsAt, ends_at: endsAt, closed_at: closedAt } = interval
  return { interval: { number, startsAt, endsAt, closedAt }, previous: row && parseRow(row) }
}

/** The sealed pool manifest of an interval, and the one before it, by which its tree is continued. */
export async function sealedPoolManifest(
  db: Database,
  number: number,
): Promise<{ readonly sealed: PlannedPoolManifest; readonly previous: PlannedPoolManifest | undefined } | undefined> {
  const rows: PoolManifestRow[] = await db
    .knex('pool_manifest')
    .where('number', '<=', number)
    .andWhere({ state: 'sealed' })
    .orderBy('number', 'desc')
    .limit(2)
  const [sealed, previous] = rows
  if (sealed?.number !== number) return undefined
  return { sealed: parseRow(sealed), previous: previous && parseRow(previous) }
}

/** All series that have, or owe, an export of this interval or an earlier one; sorted by name. */
export async function seriesAt(db: Database, intervalNumber: number): Promise<PoolSeries[]> {
  const states: { adapter: string; active: number; exported_through: number }[] = await db
    .knex('adapter_state')
    .select('adapter', 'active', 'exported_through')
  const series: PoolSeries[] = []
  for (const { adapter, active, exported_through } of states.sort((a, b) => (a.adapter < b.adapter ? -1 : 1))) {
    const upTo = () => db.knex('export').where({ adapter }).andWhere('interval_number', '<=', intervalNumber)
    // In this order: adapters seal meanwhile. Read after it was found that nothing is outstanding, the newest export is
    // the last one that was due.
    const unsealed = (await upTo().whereRaw(UNSEALED).first('id')) !== undefined
    const behind = unsealed || exported_through < intervalNumber
    const newest: { number: number; settings: string; manifest_name: string; manifest_sha256: string } | undefined =
      await upTo()
        .where({ state: 'sealed' })
        .orderBy('number', 'desc')
        .first('number', 'settings', 'manifest_name', 'manifest_sha256')
    // An adapter that was added after this interval owes nothing of it.
    if (!newest && !behind) continue
    if (!newest && active === 0) continue
    series.push({
      adapter,
      active: active !== 0,
      behind,
      newest: newest && {
        number: newest.number,
        directory: JSON.parse(newest.settings).directory,
        manifest: newest.manifest_name,
        sha256: newest.manifest_sha256,
      },
    })
  }
  return series
}

/**
 * Records the texts. From here on they are the ones of this interval, whatever happens before they are files. False
 * when the pool has another signing key by now: a worker that was not started again must not sign with the old one.
 */
export async function planPoolManifest(
  db: Database,
  lease: Lease,
  { planned, key, now }: { planned: PlannedPoolManifest; key: string; now: number },
): Promise<boolean> {
  return underLease(db, lease, async (tx) => {
    const { value }: { value: string } = await tx('compliance_setting')
      .where({ name: SIGNING_KEY })
      .forShare()
      .first('value')
    if (value !== key) return false
    await tx('pool_manifest').insert({
      number: planned.number,
      state: 'planned',
      tree_size: planned.treeSize,
      tree_roots: JSON.stringify(planned.treeRoots),
      manifest_sha256: planned.manifestSha256,
      audit_number: planned.audit?.number ?? null,
      audit_head: planned.audit?.head ?? null,
      files: JSON.stringify(planned.files),
      planned_at: now,
    })
    return true
  })
}

/**
 * Records a pool manifest that is on disk, signed and sealed before the database was restored. The key on record stays:
 * an older one may have signed it.
 */
export async function adoptPoolManifest(
  db: Database,
  lease: Lease,
  { adopted, actor, now }: { adopted: PlannedPoolManifest; actor: string; now: number },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('pool_manifest').insert({
      number: adopted.number,
      state: 'sealed',
      tree_size: adopted.treeSize,
      tree_roots: JSON.stringify(adopted.treeRoots),
      manifest_sha256: adopted.manifestSha256,
      audit_number: adopted.audit?.number ?? null,
      audit_head: adopted.audit?.head ?? null,
      files: JSON.stringify(adopted.files),
      planned_at: now,
      sealed_at: now,
    })
    const detail = { manifest: adopted.files.at(-1)!.name }
    await appendAudit(tx, { at: now, actor, action: 'adopted', object: `pool/${adopted.number}`, detail })
  })
}

/** Call when every file is durable. */
export async function recordPoolManifest(
  db: Database,
  lease: Lease,
  { number, now }: { number: number; now: number },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    const sealed = await tx('pool_manifest')
      .where({ number, state: 'planned' })
      .update({ state: 'sealed', sealed_at: now })
    if (sealed !== 1) throw new Error(`The pool manifest of interval ${number} is not planned, or was sealed before.`)
  })
}

/** The texts of the pool manifests of these intervals. */
export async function poolManifestTexts(
  db: Database,
  numbers: readonly number[],
): Promise<Map<number, PlannedPoolManifest['files']>> {
  const rows: { number: number; files: string }[] = await db
    .knex('pool_manifest')
    .whereIn('number', [...numbers])
    .select('number', 'files')
  return new Map(rows.map(({ number, files }) => [number, JSON.parse(files)]))
}

const SIGNING_KEY = 'signing-key'

/** The public key that the pool's manifests are signed with, or undefined before the first. */
export async function signingKeyOnRecord(db: Database): Promise<string | undefined> {
  const row: { value: string } | undefined = await db
    .knex('compliance_setting')
    .where({ name: SIGNING_KEY })
    .first('value')
  return row?.value
}

/**
 * Makes `key` the pool's signing key in the place of `instead`. False when another process was first: the caller reads
 * the key on record again.
 */
export async function takeSigningKey(
  db: Database,
  { key, instead }: { key: string; instead: string | undefined },
): Promise<boolean> {
  return db.knex.transaction(async (tx: Knex.Transaction) => {
    if (instead === undefined) {
      await tx('compliance_setting').insert({ name: SIGNING_KEY, value: key }).onConflict('name').ignore()
      const { value }: { value: string } = await tx('compliance_setting').where({ name: SIGNING_KEY }).first('value')
      return value === key
    }
    return (await tx('compliance_setting').where({ name: SIGNING_KEY, value: instead }).update({ value: key })) === 1
  })
}

type PoolManifestRow = {
  number: number
  state: 'planned' | 'sealed'
  tree_size: number
  tree_roots: string
  manifest_sha256: string
  audit_number: number | null
  audit_head: string | null
  files: string
}

function parseRow(row: PoolManifestRow): PlannedPoolManifest {
  return {
    number: row.number,
    treeSize: row.tree_size,
    treeRoots: JSON.parse(row.tree_roots),
    manifestSha256: row.manifest_sha256,
    audit: row.audit_number === null ? undefined : { number: row.audit_number, head: row.audit_head! },
    files: JSON.parse(row.files),
  }
}
