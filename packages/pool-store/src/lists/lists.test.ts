import { groupUri } from '@hansard/rooms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  categoryLists,
  findUser,
  groupsHolding,
  listCategories,
  listGroups,
  listRooms,
  listUsers,
  membersOf,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('lists for administrators on %s', (dialect) => {
  let store: StoreInTest
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
  })
  afterAll(() => store?.close())

  const addGroup = async (name: string, members: readonly number[]): Promise<number> => {
    const uri = groupUri(name, 'example.com')
    const [group]: { id: number }[] = await store.db
      .knex('principal')
      .insert({ account: uri, uri, display_name: name, secret: '', created_at: NOW, type: 'group', domain: '' })
      .returning('id')
    for (const id of members) await store.db.knex('group_member').insert({ group_id: group!.id, member_id: id })
    return group!.id
  }

  it('find users by their attributes; other special characters match themselves', async () => {
    const ann = await store.addUser('ann')
    await store.addUser('annie_b', 'partner.example')
    await store.addUser('bob%')
    const { knex } = store.db
    await knex('principal').where({ id: ann.id }).update({ disabled: true })
    await knex('pool_role').insert({ principal_id: ann.id, role: 'auditor' })
    const [policy]: { id: number }[] = await knex('policy').insert({ identity: 'few', enabled: true }).returning('id')
    await knex('principal').where({ account: 'bob%' }).update({ policy_id: policy!.id, internal: false })
    const accounts = async (filter: Parameters<typeof listUsers>[1]['filter'] & object) =>
      (await listUsers(store.db, { limit: 10, filter })).map((user) => user.account)

    expect(await accounts({})).toEqual(['ann', 'annie_b', 'bob%'])
    expect(await accounts({ name: 'AN*' })).toEqual(['ann', 'annie_b'])
    expect(await accounts({ name: 'ann' })).toEqual(['ann'])
    expect(await accounts({ name: '*_*' })).toEqual(['annie_b'])
    expect(await accounts({ name: '*%' })).toEqual(['bob%'])
    expect(await accounts({ domain: 'partner.example' })).toEqual(['annie_b'])
    expect(await accounts({ disabled: true })).toEqual(['ann'])
    expect(await accounts({ role: 'auditor' })).toEqual(['ann'])
    expect(await accounts({ internal: false, policy: 'few' })).toEqual(['bob%'])
    expect((await listUsers(store.db, { after: 'ann', limit: 1 })).map((user) => user.account)).toEqual(['annie_b'])
    expect(await findUser(store.db, { uri: ann.uri })).toMatchObject({
      roles: ['auditor'],
      policy: null,
      createdAt: NOW,
    })
  })

  it('show groups with their direct members, and all groups of a principal, nested ones included', async () => {
    const [cora, dan] = [await store.addUser('cora'), await store.addUser('dan')]
    const desk = await addGroup('desk', [cora.id, dan.id])
    await addGroup('floor', [desk])

    expect(
      (await listGroups(store.db, { limit: 10 })).map(({ displayName, members }) => [displayName, members]),
    ).toEqual([
      ['desk', 2],
      ['floor', 1],
    ])
    expect((await listGroups(store.db, { limit: 10, holding: desk })).map((group) => group.displayName)).toEqual([
      'floor',
    ])
    expect((await listGroups(store.db, { limit: 10, name: 'd*' })).map((group) => group.displayName)).toEqual(['desk'])
    expect((await membersOf(store.db, desk)).map((member) => member.name)).toEqual(['cora', 'dan'])
    expect((await groupsHolding(store.db, cora.id)).map((group) => group.name)).toEqual(['desk', 'floor'])
  })

  it('show categories with their lists and their number of rooms', async () => {
    const eve = await store.addUser('eve')
    await store.db
      .knex('category_scope')
      .insert({ category_id: store.categoryId, principal_id: eve.id, list: 'denied' })
    await store.addRoom('one')
    const gone = await store.addRoom('two')
    await store.db.knex('room').where({ id: gone }).update({ deleted_at: NOW })

    expect(await listCategories(store.db, { limit: 10, naming: eve.id })).toMatchObject([{ name: 'General', rooms: 1 }])
    expect(await listCategories(store.db, { limit: 10, naming: -1 })).toEqual([])
    expect(await listCategories(store.db, { limit: 10, exactly: { name: 'General' }, name: 'g*l' })).toHaveLength(1)
    expect(await categoryLists(store.db, store.categoryId)).toMatchObject({ denied: [{ name: 'eve' }], allowed: [] })
  })

  it('find rooms by a wildcard, and those whose chats are large', async () => {
    const frank = await store.addUser('frank')
    const large = await store.addRoom('large talk')
    await store.db.knex('room').where({ id: large }).update({ description: 'about bonds', last_chat_id: 2 })
    const chat = (chatId: number, state: string) => ({
      room_id: large,
      chat_id: chatId,
      posted_at: NOW,
      principal_id: frank.id,
      post: String(chatId),
      content: JSON.stringify('ü'.repeat(100)),
      state,
    })
    await store.db.knex('chat').insert([chat(1, 'kept'), chat(2, 'purged')])
    const names = async (filter: object) => (await listRooms(store.db, { limit: 10, filter })).map((room) => room.name)

    expect(await names({ like: { wildcard: 'LARGE*', inDescription: false } })).toEqual(['large talk'])
    expect(await names({ like: { wildcard: '*bonds', inDescription: false } })).toEqual([])
    expect(await names({ like: { wildcard: '*bonds', inDescription: true } })).toEqual(['large talk'])
    expect(await names({ contentAbove: 201 })).toEqual(['large talk'])
    expect(await names({ contentAbove: 202 })).toEqual([])
  })

  it('find a word in the name or the description, and none across both', async () => {
    const id = await store.addRoom('first half')
    await store.db.knex('room').where({ id }).update({ description: 'second half' })
    const names = async (words: string[], match: 'all' | 'any' | 'exact', inDescription: boolean) =>
      (await listRooms(store.db, { limit: 10, filter: { text: { words, match, inDescription } } })).map(
        ({ name }) => name,
      )

    expect(await names(['SECOND', 'first'], 'all', true)).toEqual(['first half'])
    expect(await names(['second', 'first'], 'all', false)).toEqual([])
    expect(await names(['second', 'third'], 'any', true)).toEqual(['first half'])
    expect(await names(['halfsecond'], 'any', true)).toEqual([])
    expect(await names(['second', 'half'], 'exact', true)).toEqual(['first half'])
    expect(await names(['second', 'half'], 'exact', false)).toEqual([])
  })

  it('find rooms among very many, in order, and yield to others meanwhile', async () => {
    const { db, categoryId } = store
    await db.knex.raw(
      `insert into room (uri, name, privacy, category_id, created_at)
       with recursive n(i) as (select 10001 union all select i + 1 from n where i < 19000)
       select 'ma-chan://x/' || i, 'many ' || i, case when i % 1000 = 0 then 'secret' else 'open' end, ?, 0 from n`,
      [categoryId],
    )
    let turns = 0
    let done = false
    const turn = () => {
      turns += 1
      if (!done) setImmediate(turn)
    }
    setImmediate(turn)
    const filter = { privacy: 'secret' as const, like: { wildcard: 'many *', inDescription: false } }
    const names = (await listRooms(db, { limit: 100, filter })).map(({ name }) => name)
    done = true

    expect(names).toEqual(Array.from({ length: 9 }, (_, n) => `many ${11 + n}000`))
    // PostgreSQL reads in another process and does not block this one.
    expect(turns).toBeGreaterThanOrEqual(dialect === 'sqlite' ? 2 : 1)
    const after = await listRooms(db, { after: 'many 12000', limit: 3, filter })
    expect(after.map(({ name }) => name)).toEqual(['many 13000', 'many 14000', 'many 15000'])
    const all = await listRooms(db, { after: 'many 10000', limit: 8_999 })
    expect([all.length, all.at(-1)!.name]).toEqual([8_999, 'many 18999'])
  })
})
