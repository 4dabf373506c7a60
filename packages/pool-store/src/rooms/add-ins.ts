import type { Database } from '@hansard/sql'

/** A web page that a room may show beside its chats. */
type AddIn = { readonly name: string; readonly url: string }

/** The add-in of a room, if any. */
export async function addInOf(db: Database, { addIn }: { addIn: string | null }): Promise<AddIn | null> {
  if (addIn === null) return null
  const found: AddIn | undefined = await db.knex('add_in').where({ name: addIn }).first('name', 'url')
  return found ?? null
}

/** Every registered add-in, by name. */
export async function listAddIns(db: Database): Promise<AddIn[]> {
  return db.knex('add_in').orderBy('name').select('name', 'url')
}
