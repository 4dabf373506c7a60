import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { usageOf } from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

const DAY = 86_400_000

describe.each(['sqlite', 'postgres'] as const)('use of the pool on %s', (dialect) => {
  let store: StoreInTest
  beforeAll(async () => {
    store = await openStoreInTest(dialect)
  })
  afterAll(() => store?.close())

  it('counts who posted where, and lists rooms in which nobody posts', async () => {
    const [ann, bob] = [await store.addUser('ann'), await store.addUser('bob')]
    const rooms = new Map<string, number>()
    for (const name of ['busy', 'calm', 'old', 'empty', 'gone']) rooms.set(name, await store.addRoom(name))
    const say = async (room: string, chatId: number, who: { id: number }, postedAt: number) => {
      const roomId = rooms.get(room)!
      await store.db.knex('chat').insert({
        room_id: roomId,
        chat_id: chatId,
        posted_at: postedAt,
        principal_id: who.id,
        post: `${room} ${chatId}`,
        content: '"x"',
      })
      await store.db.knex('room').where({ id: roomId }).update({ last_chat_id: chatId })
    }
    await say('old', 1, ann, NOW - 90 * DAY)
    for (let id = 1; id <= 5; id += 1) await say('busy', id, id === 5 ? bob : ann, NOW - DAY)
    await say('calm', 1, bob, NOW - DAY)
    await say('gone', 1, bob, NOW - DAY)
    await say('gone', 2, bob, NOW - DAY)
    // The end is exclusive.
    await say('busy', 6, ann, NOW)
    await store.db.knex('room').where({ name: 'gone' }).update({ deleted_at: NOW, shown_name: 'gone' })
    await store.db.knex('room').update({ created_at: NOW - 100 * DAY })

    const usage = await usageOf(store.db, {
      start: NOW - 30 * DAY,
      end: NOW,
      topUsers: 10,
      topRooms: 2,
      leastActiveRooms: 3,
      roomsInactiveSince: NOW - 30 * DAY,
      inactiveMax: 1,
    })

    expect(usage).toMatchObject({ users: 2, rooms: 3, chats: 8 })
    expect(usage.topUsers.map(({ name, chats, rooms }) => [name, chats, rooms])).toEqual([
      ['ann', 4, 1],
      ['bob', 4, 3],
    ])
    expect(usage.topRooms.map(({ name, category, chats, authors }) => [name, category, chats, authors])).toEqual([
      ['busy', 'General', 5, 2],
      ['gone', 'General', 2, 1],
    ])
    expect(usage.leastActiveRooms.map(({ name, chats }) => [name, chats])).toEqual([
      ['old', 0],
      ['empty', 0],
      ['calm', 1],
    ])
    expect(usage.inactiveRooms.map(({ name, lastChatAt }) => [name, lastChatAt])).toEqual([['empty', null]])
    expect(usage.moreInactiveRooms).toBe(true)
  })

  it('lists nothing that was not requested', async () => {
    const none = { topUsers: 0, topRooms: 0, leastActiveRooms: 0, inactiveMax: 10 }

    const usage = await usageOf(store.db, { start: 0, end: 1, ...none })

    expect(usage).toEqual({
      users: 0,
      rooms: 0,
      chats: 0,
      topUsers: [],
      topRooms: [],
      leastActiveRooms: [],
      inactiveRooms: [],
      moreInactiveRooms: false,
    })
  })
})
