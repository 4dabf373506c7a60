import type { RoomRole, ScopeList } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { decideFor, identitiesOf, identitiesOfMany, listRooms, principalsWithin } from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('access on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    db = store.db
  })
  afterAll(() => store?.close())

  const addGroup = async (name: string, members: readonly number[], type = 'group', domain = ''): Promise<number> => {
    const [group]: { id: number }[] = await db
      .knex('principal')
      .insert({ account: name, uri: name, display_name: name, secret: '', created_at: NOW, type, domain })
      .returning('id')
    for (const id of members) await db.knex('group_member').insert({ group_id: group!.id, member_id: id })
    return group!.id
  }
  const allow = (id: number, list: ScopeList) =>
    db.knex('category_scope').insert({ category_id: store.categoryId, principal_id: id, list })
  const grant = (roomId: number, id: number, role: RoomRole) =>
    db.knex('room_role').insert({ room_id: roomId, principal_id: id, role })

  it('includes nested groups and domains, and terminates on cycles', async () => {
    const ann = await store.addUser('ann', 'circle.example')
    const desk = await addGroup('desk', [ann.id])
    const floor = await addGroup('floor', [desk])
    await db.knex('group_member').insert({ group_id: desk, member_id: floor })
    const everyone = await addGroup('everyone', [], 'domain', 'circle.example')
    const firm = await addGroup('firm', [everyone])

    expect(await identitiesOf(db, ann.id)).toEqual(new Set([ann.id, desk, floor, everyone, firm]))
    expect((await identitiesOfMany(db, [ann.id, desk])).get(desk)).toEqual(new Set([desk, floor]))
    expect(await principalsWithin(db, firm)).toEqual(new Set([firm, everyone, ann.id]))
    expect(await principalsWithin(db, floor)).toEqual(new Set([desk, floor, ann.id]))
  })

  it('finds exactly the rooms that the rules let a principal see, and those it may join', async () => {
    const people = await Promise.all(['bea', 'carl', 'dora', 'emil'].map((name) => store.addUser(name, 'wall.example')))
    const everyone = await addGroup('all', [], 'domain', 'wall.example')
    const banned = await addGroup('banned', [people[3]!.id])
    await allow(everyone, 'allowed')
    await allow(banned, 'denied')
    const outsider = await store.addUser('otto', 'elsewhere.example')
    const rooms = new Map<string, number>()
    for (const privacy of ['open', 'closed', 'secret'] as const) {
      for (const disabled of [false, true]) {
        const name = `${privacy} ${disabled ? 'disabled' : 'enabled'}`
        const id = await store.addRoom(name, privacy)
        if (disabled) await db.knex('room').where({ id }).update({ disabled: true })
        await grant(id, people[0]!.id, 'member')
        await grant(id, people[1]!.id, 'manager')
        await grant(id, people[3]!.id, 'member')
        await grant(id, outsider.id, 'member')
        rooms.set(name, id)
      }
    }

    for (const who of [...people, outsider]) {
      const identities = [...(await identitiesOf(db, who.id))]
      for (const [operation, among] of [
        ['see', 'seen'],
        ['join', 'joinable'],
      ] as const) {
        const found = await listRooms(db, { limit: 100, asker: { identities, among, seesRoles: false } })
        const expected: string[] = []
        for (const [name, id] of rooms) {
          if ((await decideFor(db, operation, { id }, who)).decision.allowed) expected.push(name)
        }
        expect(found.map((room) => room.name)).toEqual(expected.sort())
      }
    }
  })

  it('never shows the pool’s own row or a deleted room', async () => {
    const id = await store.addRoom('to be deleted')
    await db.knex('room').where({ id }).update({ deleted_at: NOW })

    const names = (await listRooms(db, { limit: 1_000 })).map((room) => room.name)

    expect(names).not.toContain('to be deleted')
    expect(names.filter((name) => name.startsWith('ma-cat:'))).toEqual([])
    expect((await decideFor(db, 'see', { id }, await store.addUser('fay'))).decision).toEqual({
      allowed: false,
      reason: 'no-such-room',
    })
  })
})
