import type { Database } from '@hansard/sql'

/** All rows of all tables, as a backup has them. */
export type Backup = Map<string, object[]>

export async function backUp(db: Database): Promise<Backup> {
  const names: { name: string }[] =
    db.dialect === 'sqlite'
      ? await db.knex('sqlite_master').where({ type: 'table' }).whereNot('name', 'like', 'sqlite_%').select('name')
      : await db.knex('information_schema.tables').where({ table_schema: 'public' }).select('table_name as name')
  return new Map(await Promise.all(names.map(async ({ name }) => [name, await db.knex(name)] as const)))
}

export async function restore(db: Database, backup: Backup): Promise<void> {
  await db.knex.transaction(async (tx) => {
    for (const [name, rows] of backup) {
      await tx(name).delete()
      for (const row of rows) await tx(name).insert(row)
    }
  })
}
