import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import {
  EVERYBODY,
  grp,
  must,
  openPlace,
  type PlaceInTest,
  POOL,
  type PoolInTest,
  refusal,
  sip,
} from './pool-in-test.ts'
import { deletionsByEvents, stateByEvents, stateByTables } from './state-in-test.ts'

const SIZE = 16_000

export const largeLists = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('a list of %s with 16,000 entries', (dialect) => {
    let place: PlaceInTest
    let pool: PoolInTest
    let admin: CommandActor
    const everyone = Array.from({ length: SIZE }, (_, n) => sip(`u${n}`))
    beforeAll(async () => {
      place = await openPlace(dialect)
      pool = await place.open()
      admin = await pool.addUser('admin', { roles: ['administrator'] })
      const users = everyone.map((_, n) => ({
        account: `u${n}`,
        domain: 'example.com',
        displayName: `u${n}`,
        secret: 'x',
      }))
      must(await pool.commands.addUsers(POOL, { users }))
      await pool.changes()
    }, 120_000)
    afterAll(async () => {
      expect(stateByEvents(await pool.events())).toEqual(await stateByTables(pool.db))
      await pool?.close()
      await place?.close()
    }, 120_000)
    it('is set, recorded in events of bounded size, searched by one entry, and emptied', async () => {
      const hall = { name: 'Hall', category: 'General', type: 'auditorium' as const, members: everyone }
      must(await pool.commands.createRoom(admin, hall))
      const told = await pool.changes()
      expect(told).toHaveLength(32)
      expect(told.map(({ action }) => action).lastIndexOf('created')).toBe(0)
      expect(Math.max(...told.map((event) => JSON.stringify(event).length))).toBeLessThan(32_768)

      const chat = await pool.post('admin', 'Hall', 'Hello.')
      must(await pool.commands.deleteChat(admin, { room: 'Hall', chat }))
      const change = { add: everyone.slice(0, 8_000) }
      must(await pool.commands.changeRoles(admin, { room: 'Hall', role: 'presenter', change }))
      const emptied = { set: [] }
      must(await pool.commands.changeRoles(admin, { room: 'Hall', role: 'member', change: emptied }))
      expect(await pool.db.knex('room_role').whereNot({ role: 'manager' })).toEqual([])
      const one = [...everyone, sip('admin')]
      expect(
        refusal(await pool.commands.changeRoles(admin, { room: 'Hall', role: 'member', change: { set: one } })),
      ).toBe('limit-exceeded')
    })

    it('is recorded completely when its owner is deleted', async () => {
      must(await pool.commands.createGroup(admin, { name: 'many', members: everyone }))
      must(await pool.commands.createCategory(admin, { name: 'Many', allowed: everyone }))
      must(await pool.commands.createRoom(admin, { name: 'Many here', category: 'General', members: everyone }))
      await pool.changes()
      must(await pool.commands.deleteGroup(admin, { group: 'many' }))
      must(await pool.commands.deleteCategory(admin, { category: 'Many' }))
      must(await pool.commands.deleteRoom(admin, { room: 'Many here' }))

      const told = await pool.changes()
      expect(told.map(({ action }) => action)).toEqual(Array.from({ length: 96 }, () => 'deleted'))
      expect(Math.max(...told.map((event) => JSON.stringify(event).length))).toBeLessThan(32_768)
      for (const list of ['members', 'allowed']) {
        const entries = told.flatMap(({ before, subject }) => (subject.type === 'group' ? [] : (before[list] ?? [])))
        expect(entries.length).toBe(SIZE)
      }
      const { told: deletions, was } = deletionsByEvents(await pool.events())
      expect(deletions).toHaveLength(3)
      expect(deletions).toEqual(was)
    })

    it('works in a category, in a group, and among authors', async () => {
      must(await pool.commands.createGroup(admin, { name: 'all', members: everyone }))
      const wall = { name: 'Wall', allowed: everyone, creators: everyone, denied: [grp('all')] }
      expect(refusal(await pool.commands.createCategory(admin, wall))).toBe('not-in-scope')
      must(await pool.commands.createCategory(admin, { ...wall, denied: [] }))
      must(await pool.commands.createRoom(admin, { name: 'Desk', category: 'General', members: [EVERYBODY] }))
      await pool.post('u7', 'Desk', 'Sell.')
      const purge = { room: 'Desk', filter: { authors: everyone } }
      expect(must(await pool.commands.purgeChats(admin, purge)).count).toBe(1)
    })

    it('of groups that contain a group, or of rooms in a category, is processed completely', async () => {
      const many = Array.from({ length: 1_200 }, (_, n) => n)
      const groups = many.map((n) => ({
        ...{ account: grp(`n${n}`), uri: grp(`n${n}`), display_name: `n${n}`, type: 'group' },
        ...{ domain: 'example.com', secret: '', created_at: 0 },
      }))
      must(await pool.commands.createCategory(admin, { name: 'Full', allowed: [EVERYBODY] }))
      const { id: categoryId } = await pool.db.knex('category').where({ name: 'Full' }).first('id')
      const rooms = many.map((n) => ({
        ...{
          uri: `ma-chan://example.com/${n}`,
          name: `full ${n}`,
          privacy: 'open',
          category_id: categoryId,
          created_at: 0,
        },
      }))
      await pool.db.knex.transaction(async (tx) => {
        await tx.batchInsert('principal', groups, 100)
        await tx.batchInsert('room', rooms, 100)
        const ids: { id: number }[] = await tx('principal')
          .where('display_name', 'like', 'n%')
          .orderBy('id')
          .select('id')
        const inner = {
          id: (
            await tx('principal')
              .where({ uri: grp('all') })
              .first('id')
          ).id as number,
        }
        const chain = [inner, ...ids]
        await tx.batchInsert(
          'group_member',
          ids.map(({ id }, n) => ({ group_id: id, member_id: chain[n]!.id })),
          100,
        )
        await tx('room_role').insert({
          room_id: (await tx('room').where({ name: 'full 9' }).first('id')).id,
          principal_id: ids.at(-1)!.id,
          role: 'member',
        })
      })
      must(await pool.commands.changeGroup(admin, { group: 'all', members: { remove: [sip('u1')] } }))
      expect((await pool.room('full 9')).rights).toBe(2)
      must(await pool.commands.changeCategory(admin, { category: 'Full', denied: { add: [sip('u1')] } }))
      expect(await pool.db.knex('room').where({ category_id: categoryId }).andWhere('rights', '<', 2)).toEqual([])
      // Data inserted past the record is deleted past it.
      await pool.db
        .knex('room_role')
        .delete()
        .whereIn('room_id', pool.db.knex('room').where({ category_id: categoryId }).select('id'))
      await pool.db.knex('room').where({ category_id: categoryId }).delete()
      await pool.db
        .knex('group_member')
        .whereIn('group_id', pool.db.knex('principal').where('display_name', 'like', 'n%').select('id'))
        .delete()
      await pool.db.knex('principal').where('display_name', 'like', 'n%').delete()
    })
  })
