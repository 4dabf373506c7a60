import type { Actor } from '@hansard/pool-store'
import type { Knex } from '@hansard/sql'

/** The actor is no longer an administrator. Completed batches stay. */
export class NotAdministrator extends Error {
  override name = 'NotAdministrator'
}

/** Checked in the transaction of each batch: an import is long, and the role may be removed meanwhile. */
export async function requireAdministrator(tx: Knex.Transaction, { id }: Actor): Promise<void> {
  const held: unknown = await tx('pool_role')
    .join('principal', 'principal.id', 'pool_role.principal_id')
    .where({ principal_id: id, role: 'administrator', disabled: false })
    .first('role')
  if (!held) throw new NotAdministrator('This takes the role administrator, which the account does not hold any more.')
}
