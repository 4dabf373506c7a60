import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eligiblePrincipals, enabledOf, loadRoles, namedPrincipals, rosterOf } from './index.ts'
import { NOW, openStoreInTest, type StoreInTest } from './store-in-test.ts'

const PEOPLE = 2_500

describe.each(['sqlite', 'postgres'] as const)('lists longer than one read step, on %s', (dialect) => {
  let store: StoreInTest
  let everybody: { id: number; uri: string }[]
  let roomId: number
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    const { knex } = store.db
    const accounts = Array.from({ length: PEOPLE }, (_, n) => `u${String(n).padStart(4, '0')}`)
    for (const some of inStepsOf(50, accounts)) {
      await knex('principal').insert(
        some.map((account) => ({
          account,
          uri: `sip:${account}@example.com`,
          display_name: account,
          type: 'user',
          domain: 'example.com',
          secret: '',
          created_at: NOW,
        })),
      )
    }
    everybody = await knex('principal').where('account', 'like', 'u____').orderBy('uri').select('id', 'uri')
    const domain = await knex('principal').where({ type: 'domain', domain: 'example.com' }).first('id')
    const allowed = domain ? [domain] : everybody
    for (const some of inStepsOf(50, allowed)) {
      await knex('category_scope')
        .insert(some.map(({ id }) => ({ category_id: store.categoryId, principal_id: id, list: 'allowed' })))
        .onConflict()
        .ignore()
    }
    roomId = await store.addRoom('crowded')
    // One role more than two per principal: the step ends between the two roles of one principal.
    await knex('room_role').insert({ room_id: roomId, principal_id: everybody[0]!.id, role: 'presenter' })
    for (const some of inStepsOf(50, everybody)) {
      const roles = some.flatMap(({ id }) =>
        ['manager', 'member'].map((role) => ({ room_id: roomId, principal_id: id, role })),
      )
      await knex('room_role').insert(roles)
      const at = { room_id: roomId, source: 'channel-1', epoch: 1, joined_at: NOW }
      // Every principal is present twice.
      await knex('participant').insert(
        some.flatMap(({ id }) => ['a', 'b'].map((device) => ({ ...at, session: `${id}-${device}`, principal_id: id }))),
      )
    }
  }, 120_000)
  afterAll(() => store?.close())

  it('shows every principal in a room, once each', async () => {
    expect((await rosterOf(store.db, roomId)).map(({ uri }) => uri)).toEqual(everybody.map(({ uri }) => uri))
  })

  it('loads every role, also those at the end of a step', async () => {
    const ids = new Set(everybody.map(({ id }) => id))

    const roles = await loadRoles(store.db.knex, roomId)

    expect([roles.members, roles.managers, roles.presenters]).toEqual([ids, ids, new Set([everybody[0]!.id])])
    expect(await namedPrincipals(store.db, roles.members)).toHaveLength(PEOPLE)
  })

  it('reports every user who may use the pool', async () => {
    const ids = everybody.map(({ id }) => id)
    await store.db.knex('principal').where({ id: ids[1_700] }).update({ disabled: true })

    const askedAbout: number[] = []
    const note = ({ bindings }: { bindings: readonly unknown[] }) => askedAbout.push(bindings.length)
    store.db.knex.on('query', note)
    const enabled = await enabledOf(store.db, { pool: 'test', principalIds: ids })
    store.db.knex.off('query', note)

    // Not all principals in one statement: it runs every two seconds and would block everybody.
    expect(Math.max(...askedAbout)).toBeLessThan(1_010)
    expect(ids.filter((id) => !enabled.has(id))).toEqual([ids[1_700]])
  })

  it('finds eligible principals at the end as at the beginning', async () => {
    const eligible = async (filter: string, limit: number) =>
      (await eligiblePrincipals(store.db, { categoryId: store.categoryId, membersOf: roomId, filter, limit })).map(
        ({ name }) => name,
      )

    expect(await eligible('u*99', 100)).toEqual(
      Array.from({ length: 25 }, (_, n) => `u${String(n).padStart(2, '0')}99`),
    )
    expect(await eligible('U249*', 3)).toEqual(['u2490', 'u2491', 'u2492'])
    expect(await eligible('*', PEOPLE)).toHaveLength(PEOPLE)
  })
})

function inStepsOf<T>(step: number, all: readonly T[]): T[][] {
  return Array.from({ length: Math.ceil(all.length / step) }, (_, n) => all.slice(n * step, (n + 1) * step))
}
