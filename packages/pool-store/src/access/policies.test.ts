import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { enabledOf, type Principal, policyEnables } from '../index.ts'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('policies on %s', (dialect) => {
  let store: StoreInTest
  let ann: Principal
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    ann = await store.addUser('ann')
  })
  afterAll(() => store?.close())
  beforeEach(async () => {
    await store.db.knex('principal').update({ policy_id: null })
    await store.db.knex('policy').delete()
  })

  const put = async (identity: string, enabled: boolean) => {
    const [row]: { id: number }[] = await store.db.knex('policy').insert({ identity, enabled }).returning('id')
    return row!.id
  }
  const grant = (policyId: number) =>
    store.db.knex('principal').where({ id: ann.id }).update({ policy_id: policyId }) as Promise<unknown>
  /** The result of both functions for a user, which must be equal. */
  const enabled = async (where: { pool: string; site?: string | undefined }) => {
    const one = await policyEnables(store.db, { ...where, principalId: ann.id })
    const many = await enabledOf(store.db, { ...where, principalIds: [ann.id] })
    expect(many.has(ann.id)).toBe(one)
    return one
  }

  it('let everybody in when there is none, or only one of another pool or site', async () => {
    expect(await enabled({ pool: 'east', site: 'oslo' })).toBe(true)
    await put('pool:west', false)
    await put('site:lima', false)
    await put('pool:oslo', false)
    await put('east', false)
    expect(await enabled({ pool: 'east', site: 'oslo' })).toBe(true)
  })

  it('of a site do not apply to a service without a site', async () => {
    await put('site:', false)
    await put('site:undefined', false)
    expect(await enabled({ pool: 'east' })).toBe(true)
    expect(await enabled({ pool: 'east', site: undefined })).toBe(true)
  })

  it('take precedence in this order: the user’s own, the pool’s, the site’s, the global one', async () => {
    const said = [true, false, undefined]
    for (const own of said)
      for (const pool of said)
        for (const site of said)
          for (const global of said) {
            await store.db.knex('principal').update({ policy_id: null })
            await store.db.knex('policy').delete()
            if (global !== undefined) await put('global', global)
            if (own !== undefined) await grant(await put('traders', own))
            if (site !== undefined) await put('site:oslo', site)
            if (pool !== undefined) await put('pool:east', pool)
            expect(await enabled({ pool: 'east', site: 'oslo' })).toBe(own ?? pool ?? site ?? global ?? true)
          }
  })

  it('do not enable a disabled account', async () => {
    await grant(await put('traders', true))
    await store.db.knex('principal').where({ id: ann.id }).update({ disabled: true })
    expect(await enabledOf(store.db, { pool: 'east', principalIds: [ann.id] })).toEqual(new Set())
    await store.db.knex('principal').where({ id: ann.id }).update({ disabled: false })
  })
})
