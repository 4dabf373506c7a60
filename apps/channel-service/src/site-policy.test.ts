import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyOf, openPoolInTest, type PoolInTest } from './service-in-test.ts'

describe('the policy of a site', () => {
  let pool: PoolInTest
  beforeAll(async () => {
    pool = await openPoolInTest('sqlite')
    await pool.person('ann')
  })
  afterAll(() => pool?.close())

  it('applies to the services of that site: at sign-in, and to signed-in users', async () => {
    const oslo = await pool.start({ site: 'oslo' })
    const lima = await pool.start({ site: 'lima' })
    const here = await oslo.connect('ann')
    const there = await lima.connect('ann')

    await pool.db.knex('policy').insert({ identity: 'site:oslo', enabled: false })
    pool.openBus().publish({ t: 'configuration-changed' })

    expect(await here.closed).toMatchObject({ code: 1008 })
    const again = await oslo.connect()
    const credentials = { t: 'sign-in' as const, account: 'ann', password: keyOf('ann') }
    expect(await again.ask(credentials)).toMatchObject({ code: 'not-enabled' })
    expect(await there.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
  })
})
