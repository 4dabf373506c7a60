import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { listRooms } from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

const CHATS = 9_500

describe.each(['sqlite', 'postgres'] as const)('rooms by the size of their chats on %s', (dialect) => {
  let store: StoreInTest
  let author: number
  const ids = new Map<string, number>()

  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    author = (await store.addUser('ann')).id
    for (const name of ['a small', 'b large', 'c purged', 'd empty', 'e large'])
      ids.set(name, await store.addRoom(name))
    await say('a small', 3)
    await say('b large', CHATS)
    await say('c purged', CHATS, 'purged')
    await say('e large', CHATS)
  })
  afterAll(() => store?.close())

  /** This many chats of ten bytes. */
  async function say(name: string, count: number, state = 'kept'): Promise<void> {
    const room_id = ids.get(name)!
    const rows = Array.from({ length: count }, (_, n) => {
      return {
        room_id,
        chat_id: n + 1,
        posted_at: NOW,
        principal_id: author,
        post: `${n}`,
        content: '"12345678"',
        state,
      }
    })
    await store.db.knex.batchInsert('chat', rows, 500)
    await store.db.knex('room').where({ id: room_id }).update({ last_chat_id: count })
  }
  const larger = async (above: number, more: { after?: string; limit?: number; filter?: object } = {}) => {
    const { filter, ...rest } = more
    const rooms = await listRooms(store.db, { limit: 10, ...rest, filter: { ...filter, contentAbove: above } })
    return rooms.map((room) => room.name)
  }

  it('are listed above a size, by name, page by page, combined with other criteria', async () => {
    expect(await larger(0)).toEqual(['a small', 'b large', 'e large'])
    expect(await larger(30)).toEqual(['b large', 'e large'])
    expect(await larger(CHATS * 10 - 1)).toEqual(['b large', 'e large'])
    expect(await larger(CHATS * 10)).toEqual([])
    expect(await larger(30, { limit: 1 })).toEqual(['b large'])
    expect(await larger(30, { limit: 1, after: 'b large' })).toEqual(['e large'])
    expect(await larger(30, { filter: { like: { wildcard: 'e*', inDescription: false } } })).toEqual(['e large'])
  })

  it('are measured a few thousand chats at a time, for one caller at a time, and others are served between', async () => {
    const steps: { room: string; chats: number }[] = []
    const names = new Map([...ids].map(([name, id]) => [id, name]))
    const watch = ({ sql, bindings }: { sql: string; bindings: readonly unknown[] }) => {
      if (!sql.includes('sum(octet_length')) return
      const ranges =
        dialect === 'sqlite'
          ? (JSON.parse(bindings[0] as string) as number[][])
          : (bindings[0] as number[]).map((id, n) => [id, (bindings[1] as number[])[n]!, (bindings[2] as number[])[n]!])
      for (const [id, after, through] of ranges) steps.push({ room: names.get(id!)!, chats: through! - after! })
    }
    let turns = 0
    let measuring = true
    const turn = () => {
      turns += 1
      if (measuring) setImmediate(turn)
    }

    store.db.knex.on('query', watch)
    setImmediate(turn)
    const only = (name: string) => larger(CHATS * 10, { filter: { like: { wildcard: name, inDescription: false } } })
    await Promise.all([only('b large'), only('e large')])
    measuring = false
    store.db.knex.off('query', watch)

    expect(steps.map(({ room }) => room)).toEqual([...Array(3).fill('b large'), ...Array(3).fill('e large')])
    expect(steps.map(({ chats }) => chats)).toEqual([4_000, 4_000, 1_500, 4_000, 4_000, 1_500])
    expect(turns).toBeGreaterThanOrEqual(steps.length)
  })
})
