import type { Principal, Room } from '@hansard/pool-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPoolInTest, type PoolInTest } from '../service-in-test.ts'

export const searchHistory = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('a search through many rooms on %s', (dialect) => {
    let pool: PoolInTest
    let alice: Principal

    beforeEach(async () => {
      pool = await openPoolInTest(dialect)
      alice = await pool.person('alice')
    })
    afterEach(() => pool.close())

    async function openRooms(count: number): Promise<Room[]> {
      const rooms: Room[] = []
      for (let n = 0; n < count; n += 1) rooms.push(await pool.room(`room ${n}`, 'open'))
      return rooms
    }
    /** One chat in each room, a millisecond apart, inserted without the record. */
    async function say(rooms: readonly Room[], text: string): Promise<void> {
      for (const [n, room] of rooms.entries()) {
        const row = { room_id: room.id, chat_id: 1, posted_at: 1_000 + n, principal_id: alice.id, post: 'p' }
        await pool.db.knex('chat').insert({ ...row, content: JSON.stringify(text) })
        await pool.db.knex('room').where({ id: room.id }).update({ last_chat_id: 1 })
      }
    }
    const filter = (words: string) => ({ words, match: 'all' as const, caseSensitive: false })
    const looks = async () => (await pool.events()).filter((event) => event.kind === 'backchat')

    it('shows a hundred rooms on a page, records each, and continues on the next page', async () => {
      const rooms = await openRooms(130)
      await say(rooms, 'needle')
      const client = await (await pool.start()).connect('alice')

      const shown: string[] = []
      const recorded: number[] = []
      for (let after: string | undefined; ; ) {
        const more = after === undefined ? {} : { after }
        const page = await client.ask({ t: 'search', filter: filter('needle'), order: 'oldest', limit: 999, ...more })
        if (page.t !== 'found') throw new Error(JSON.stringify(page))
        shown.push(...page.chats.map((chat) => chat.room))
        recorded.push((await looks()).length)
        if (!page.exceeded) break
        after = page.next
      }

      expect(shown).toEqual(rooms.map((room) => room.uri))
      expect(recorded).toEqual([100, 130])
      expect((await looks()).map((look) => look.room.uri).sort()).toEqual([...shown].sort())
    })

    it('decides access to all named rooms in few statements, however many they are', async () => {
      const rooms = await openRooms(300)
      await say(rooms.slice(290), 'needle')
      const secret = await pool.room('secret', 'secret')
      const client = await (await pool.start()).connect('alice')
      let asked = 0
      const count = ({ sql }: { sql: string }) => {
        if (/"room"|`room`|category_scope|room_role/.test(sql)) asked += 1
      }
      const search = async (named: readonly Room[]) => {
        asked = 0
        pool.db.knex.on('query', count)
        const answer = await client.ask({
          t: 'search',
          rooms: named.map((room) => room.uri),
          filter: filter('needle'),
          order: 'newest',
        })
        pool.db.knex.off('query', count)
        return answer
      }

      expect(await search(rooms)).toMatchObject({ t: 'found', chats: { length: 10 } })
      expect(asked).toBeGreaterThan(0)
      // The service's own loops make some as well.
      expect(asked).toBeLessThan(30)
      expect(await search([...rooms.slice(0, 298), secret, rooms[299]!])).toMatchObject({ code: 'no-such-room' })
      expect(asked).toBeLessThan(30)
      expect((await looks()).map((look) => look.room.uri)).not.toContain(secret.uri)
    })

    it('runs one at a time per session, from the moment it is requested', async () => {
      const [room] = await openRooms(1)
      const client = await (await pool.start()).connect('alice')
      const search = () => client.ask({ t: 'search', rooms: [room!.uri], filter: filter('x'), order: 'newest' })
      const held = await pool.db.knex.transaction()
      if (dialect === 'postgres') await held.raw('lock table room in access exclusive mode')

      const done: string[] = []
      const asked = ['first', 'second'].map((which) => search().then(({ t }) => done.push(`${which} ${t}`)))
      // A request that waits for the database does not delay those that do not need it.
      expect(await client.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
      expect(done).toEqual([])
      await held.rollback()

      await Promise.all(asked)
      expect(done).toEqual(['first found', 'second found'])
    })
  })
