import { newCategoryUri, newRoomUri } from '@hansard/rooms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listRooms, type RoomAsker, roomCursor, roomNameTaken, roomsNamed } from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('rooms of one name, on %s', (dialect) => {
  let store: StoreInTest
  const everything: RoomAsker = { identities: [], among: 'all', seesRoles: true }
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
  })
  afterAll(() => store?.close())

  const addCategory = async (name: string, allowed: readonly number[]) => {
    const { knex } = store.db
    const row = { uri: newCategoryUri('example.com'), name, created_at: NOW }
    const [category]: { id: number }[] = await knex('category').insert(row).returning('id')
    for (const id of allowed) {
      await knex('category_scope').insert({ category_id: category!.id, principal_id: id, list: 'allowed' })
    }
    return category!.id
  }
  const addRoom = async (name: string, category: number, privacy = 'open') => {
    const row = { uri: newRoomUri('example.com'), name, privacy, category_id: category, created_at: NOW }
    const [room]: { id: number }[] = await store.db.knex('room').insert(row).returning('id')
    return { id: room!.id, uri: row.uri }
  }
  const uris = (rooms: readonly { uri: string }[]) => rooms.map(({ uri }) => uri)

  it('are listed page by page, each once', async () => {
    const category = await addCategory('Paged', [])
    const made = []
    for (let n = 0; n < 7; n += 1) made.push((await addRoom('paged', category)).uri)
    made.sort()
    made.push((await addRoom('paged later', category)).uri)
    const filter = { category: { name: 'Paged' } }
    for (const contentAbove of [undefined, -1]) {
      const found: string[] = []
      for (let after: string | undefined; ; ) {
        const page = await listRooms(store.db, { after, limit: 2, filter: { ...filter, contentAbove } })
        if (page.length === 0) break
        found.push(...uris(page))
        after = roomCursor(page.at(-1)!)
      }
      expect(found).toEqual(contentAbove === undefined ? made : [])
    }
    // A name alone goes on after all rooms of it.
    expect(uris(await listRooms(store.db, { after: 'paged', limit: 9, filter }))).toEqual([made.at(-1)])
  })

  it('are told apart by their category, where the asker may know it', async () => {
    const eve = await store.addUser('eve')
    const one = await addCategory('One/and', [eve.id])
    const two = await addCategory('Two', [eve.id])
    const first = await addRoom('desk', one)
    const second = await addRoom('desk', two)
    const slashed = await addRoom('Two/desk', one)
    expect(uris(await roomsNamed(store.db, 'One/and/desk', everything))).toEqual([first.uri])
    expect(uris(await roomsNamed(store.db, 'desk', everything))).toEqual([first.uri, second.uri].sort())
    expect(uris(await roomsNamed(store.db, 'Two/desk', everything)).sort()).toEqual([second.uri, slashed.uri].sort())
    for (const nothing of ['Two/none', 'Three/desk', '/', '', 'a\u0000', '/'.repeat(300)]) {
      expect(await roomsNamed(store.db, nothing, everything), nothing).toEqual([])
    }
    const asEve: RoomAsker = { identities: [eve.id], among: 'known', seesRoles: false }
    expect(uris(await roomsNamed(store.db, 'Two/desk', asEve))).toEqual([slashed.uri])
    expect((await roomsNamed(store.db, 'desk', asEve)).map(({ category }) => category)).toEqual([undefined, undefined])
    await store.db.knex('room_role').insert({ room_id: second.id, principal_id: eve.id, role: 'manager' })
    expect(uris(await roomsNamed(store.db, 'Two/desk', asEve)).sort()).toEqual([second.uri, slashed.uri].sort())
    expect(await roomsNamed(store.db, 'desk', { ...asEve, holding: ['manager'] })).toMatchObject([
      { uri: second.uri, category: 'Two' },
    ])
  })

  it('do not count for a caller who may not know of them', async () => {
    const fay = await store.addUser('fay')
    const inside = await addCategory('Inside', [fay.id])
    const outside = await addCategory('Outside', [])
    const asFay: RoomAsker = { identities: [fay.id], among: 'known', seesRoles: false }
    const names = async (text: string) => uris(await roomsNamed(store.db, text, asFay))
    await addRoom('hidden', inside, 'secret')
    await addRoom('hidden', outside)
    const disabled = await addRoom('hidden', inside)
    await store.db.knex('room').where({ id: disabled.id }).update({ disabled: true })
    expect(await names('hidden')).toEqual([])
    expect(await names('Outside/hidden')).toEqual([])
    expect(await roomNameTaken(store.db.knex, 'hidden', asFay)).toBe(false)
    expect(await roomNameTaken(store.db.knex, 'hidden', everything)).toBe(true)

    const seen = await addRoom('hidden', inside, 'closed')
    expect(await names('hidden')).toEqual([seen.uri])
    expect(await roomNameTaken(store.db.knex, 'hidden', asFay)).toBe(true)
    // A member knows of a disabled room, though only managers see it.
    await store.db.knex('room_role').insert({ room_id: disabled.id, principal_id: fay.id, role: 'member' })
    expect(await names('hidden')).toEqual([seen.uri, disabled.uri].sort())
  })
})
