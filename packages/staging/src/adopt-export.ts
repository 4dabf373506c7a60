import { type Database, type Lease, underLease } from '@hansard/sql'
import { appendAudit } from './audit.ts'
import { type ExportFileRecord, type ExportSettings, sealRow } from './exports.ts'

/**
 * Records a planned export as sealed, with the files that are on disk already. Everything about it comes from its
 * manifest. `stylesheet` is its text, where the caller has it.
 */
export async function adoptExport(
  db: Database,
  lease: Lease,
  {
    exportId,
    settings,
    stylesheet,
    files,
    events,
    previousManifestSha256,
    incomplete,
    actor,
    object,
    now,
  }: {
    exportId: number
    settings: ExportSettings
    stylesheet: string | undefined
    files: readonly ExportFileRecord[]
    events: number
    previousManifestSha256: string | null
    /** The export is sealed, and somebody has to know something about it. */
    incomplete?: string | undefined
    actor: string
    object: string
    now: number
  },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    const sha256 = settings.stylesheetSha256
    if (stylesheet !== undefined)
      await tx('stylesheet').insert({ sha256, text: stylesheet }).onConflict('sha256').ignore()
    await tx('export')
      .where({ id: exportId, state: 'planned' })
      .update({ settings: JSON.stringify(settings), stylesheet_sha256: sha256, events })
    await sealRow(tx, { exportId, files, previousManifestSha256, incomplete, now })
    const manifest = files.find((file) => file.role === 'manifest')
    await appendAudit(tx, { at: now, actor, action: 'adopted', object, detail: { manifest: manifest?.name } })
  })
}
