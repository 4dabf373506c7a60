import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { eligiblePrincipals, loadRoles, loadScope, standingsIn } from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('eligible principals of a category, on %s', (dialect) => {
  let store: StoreInTest
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
  })
  afterAll(() => store?.close())

  const addHolder = async (uri: string, type: string, members: readonly number[], domain = ''): Promise<number> => {
    const [made]: { id: number }[] = await store.db
      .knex('principal')
      .insert({ account: uri, uri, display_name: uri, secret: '', created_at: NOW, type, domain })
      .returning('id')
    for (const id of members) await store.db.knex('group_member').insert({ group_id: made!.id, member_id: id })
    return made!.id
  }
  const put = (principal_id: number, list: string) =>
    store.db.knex('category_scope').insert({ category_id: store.categoryId, principal_id, list })

  it('gives for all principals at once what the rules give for each', async () => {
    const inside = await Promise.all(['ann', 'bea', 'carl'].map((name) => store.addUser(name, 'in.example')))
    const outside = await Promise.all(['olga', 'otto'].map((name) => store.addUser(name, 'out.example')))
    const everyone = await addHolder('ma-grp:*@in.example', 'domain', [], 'in.example')
    const guests = await addHolder('guests', 'group', [outside[0]!.id])
    const circle = await addHolder('circle', 'group', [guests])
    await store.db.knex('group_member').insert({ group_id: guests, member_id: circle })
    const banned = await addHolder('banned', 'group', [inside[2]!.id])
    await put(everyone, 'allowed')
    await put(circle, 'allowed')
    await put(banned, 'denied')
    const room = await store.addRoom('auditorium')
    await store.db.knex('room_role').insert([
      { room_id: room, principal_id: guests, role: 'member' },
      { room_id: room, principal_id: inside[2]!.id, role: 'member' },
    ])

    const found = await eligiblePrincipals(store.db, { categoryId: store.categoryId, limit: 100 })

    const everybody: { id: number; uri: string }[] = await store.db.knex('principal').select('id', 'uri')
    const standings = await standingsIn(
      store.db,
      { scope: await loadScope(store.db.knex, store.categoryId), roles: await loadRoles(store.db.knex, room) },
      everybody.map(({ id }) => ({ id, roles: [] })),
    )
    const uris = everybody.filter(({ id }) => standings.get(id)!.inScope).map(({ uri }) => uri)
    expect(found.map(({ uri }) => uri)).toEqual(uris.sort())
    expect(uris).toEqual([
      'circle',
      'guests',
      'ma-grp:*@in.example',
      'sip:ann@in.example',
      'sip:bea@in.example',
      'sip:olga@out.example',
    ])
    const some = { categoryId: store.categoryId, limit: 100 }
    expect(await eligiblePrincipals(store.db, { ...some, filter: '*@IN.example', limit: 2 })).toHaveLength(2)
    expect((await eligiblePrincipals(store.db, { ...some, membersOf: room })).map(({ uri }) => uri)).toEqual([
      'circle',
      'guests',
      'sip:olga@out.example',
    ])
  })
})
