import type { Database, Knex } from '@hansard/sql'

/** Needs an operator: the service was given another pool's database. Nothing was changed. */
class WrongPool extends Error {
  override name = 'WrongPool'
  readonly exitCode = 2
}

/** the default name of a pool */
const UNNAMED = 'pool'

/**
 * Returns the name of the pool that the compliance database belongs to, and refuses a different one: events of two
 * pools in one record could not be told apart. Until something is staged, the name can still be corrected.
 */
export async function claimPoolName(db: Database, given: string | undefined): Promise<string> {
  return db.knex.transaction(async (tx) => {
    await tx('compliance_setting')
      .insert({ name: 'pool', value: given ?? UNNAMED })
      .onConflict('name')
      .ignore()
    const { value }: { value: string } = await tx('compliance_setting').where({ name: 'pool' }).first('value')
    if (given === undefined || value === given) return value
    if (await tx('source').first('name')) {
      throw new WrongPool(
        `The compliance database belongs to the pool "${value}", and HANSARD_POOL is "${given}". Correct HANSARD_POOL or HANSARD_COMPLIANCE_DATABASE_URL.`,
      )
    }
    await tx('compliance_setting').where({ name: 'pool' }).update({ value: given })
    return given
  })
}

/** The name of the pool that the database belongs to. */
export async function poolNameOnRecord(knex: Knex): Promise<string> {
  const row: { value: string } | undefined = await knex('compliance_setting').where({ name: 'pool' }).first('value')
  return row?.value ?? UNNAMED
}
