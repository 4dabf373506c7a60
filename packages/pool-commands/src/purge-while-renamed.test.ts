import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import { must, openPlace, type PlaceInTest, type PoolInTest } from './pool-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('a room with more chats than one step deletes, on %s', (dialect) => {
  let place: PlaceInTest
  let pool: PoolInTest
  let admin: CommandActor
  beforeAll(async () => {
    place = await openPlace(dialect)
    pool = await place.open()
    admin = await pool.addUser('admin', { roles: ['administrator'] })
  })
  afterAll(async () => {
    await pool?.close()
    await place?.close()
  })

  const makeRoom = async (name: string, chats: number) => {
    const { id } = must(await pool.commands.createRoom(admin, { name, category: 'General' }))
    const rows = Array.from({ length: chats }, (_, n) => ({
      ...{ room_id: id, chat_id: n + 1, principal_id: admin.id, posted_at: 1, post: `post-${n}` },
      content: '"beans"',
    }))
    await pool.db.knex.batchInsert('chat', rows, 100)
    await pool.db.knex('room').where({ id }).update({ last_chat_id: chats })
    return id
  }
  const left = async (roomId: number) =>
    (await pool.db.knex('chat').where({ room_id: roomId }).whereNot({ state: 'purged' }).select('chat_id')).length

  it.each(['clearRoom', 'purgeChats'] as const)(
    'loses them, and a room that gets its name meanwhile loses none',
    async (how) => {
      const cleared = await makeRoom(`desk ${how}`, 600)
      const other = await makeRoom(`other ${how}`, 600)
      const { told } = pool.service
      const renames: Promise<unknown>[] = []
      // After the first step and before the second, the two rooms swap their names.
      told.push = (...messages) => {
        if (messages[0]?.t === 'chats-edited' && renames.length === 0) {
          const rename = (room: string, name: string) => pool.commands.changeRoom(admin, { room, name }).then(must)
          renames.push(rename(`desk ${how}`, `old ${how}`), rename(`other ${how}`, `desk ${how}`))
        }
        return Array.prototype.push.apply(told, messages)
      }
      const room = `desk ${how}`
      const done =
        how === 'clearRoom'
          ? await pool.commands.clearRoom(admin, { room, through: 1 })
          : await pool.commands.purgeChats(admin, { room, filter: { words: 'beans' } })
      await Promise.all(renames)

      expect(renames).toHaveLength(2)
      expect(must(done)).toMatchObject({ id: cleared, count: 600 })
      expect([await left(cleared), await left(other)]).toEqual([0, 600])
    },
  )
})
