import { type Database, type Lease, underLease } from '@hansard/sql'

/** An adapter's output directory. The same adapter may have had several. */
type OutputDirectory = { readonly adapter: string; readonly directory: string }

/** The identity that the directory had when it was first used; undefined when it was not used yet. */
export async function directoryIdentity(db: Database, of: OutputDirectory): Promise<string | undefined> {
  const row = await db
    .knex('compliance_setting')
    .where({ name: nameOf(of) })
    .first('value')
  return row?.value
}

export async function recordDirectoryIdentity(
  db: Database,
  lease: Lease,
  { identity, ...of }: OutputDirectory & { identity: string },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('compliance_setting')
      .insert({ name: nameOf(of), value: identity })
      .onConflict('name')
      .ignore()
  })
}

/** Whether the adapter has sealed an export in this directory. */
export async function hasSealedIn(db: Database, { adapter, directory }: OutputDirectory): Promise<boolean> {
  const newest = await db.knex('export').where({ adapter, state: 'sealed' }).orderBy('number', 'desc').first('settings')
  return newest !== undefined && (JSON.parse(newest.settings ?? '{}') as { directory?: string }).directory === directory
}

function nameOf({ adapter, directory }: OutputDirectory): string {
  return `output-directory ${adapter} ${directory}`
}
