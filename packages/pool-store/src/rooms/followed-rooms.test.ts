import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import {
  FOLLOWED_ROOMS_MAX,
  followedRooms,
  followRoom,
  invitationsOf,
  type Principal,
  putReadMark,
  readableRooms,
  unfollowRoom,
} from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('followed rooms on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let alice: Principal
  let bob: Principal
  let names = 0

  beforeAll(async () => {
    store = await openStoreInTest(dialect)
    db = store.db
  })
  afterAll(() => store?.close())

  const person = async (name: string) => {
    const someone = await store.addUser(`${name}${++names}`)
    await db.knex('category_scope').insert({ category_id: store.categoryId, principal_id: someone.id, list: 'allowed' })
    return someone
  }
  const people = async () => {
    alice = await person('alice')
    bob = await person('bob')
  }
  const room = async (privacy: 'open' | 'closed' | 'secret', members: readonly Principal[] = []) => {
    const id = await store.addRoom(`room ${++names}`, privacy)
    for (const { id: member } of members) {
      await db.knex('room_role').insert({ room_id: id, principal_id: member, role: 'member' })
    }
    return id
  }
  const say = async (roomId: number, author: Principal, count: number, extra: object = {}) => {
    const row: { last_chat_id: number } = await db.knex('room').where({ id: roomId }).first('last_chat_id')
    const chats = Array.from({ length: count }, (_, n) => ({
      room_id: roomId,
      chat_id: row.last_chat_id + n + 1,
      posted_at: NOW,
      principal_id: author.id,
      post: `p${++names}`,
      content: '"x"',
      ...extra,
    }))
    for (let from = 0; from < count; from += 400) await db.knex('chat').insert(chats.slice(from, from + 400))
    await db
      .knex('room')
      .where({ id: roomId })
      .update({ last_chat_id: row.last_chat_id + count })
  }
  const listOf = async (who: Principal) =>
    (await followedRooms(db, who.id)).map(({ id, last, read, unread }) => ({ id, last, read, unread }))
  const follow = (who: Principal, roomId: number) => followRoom(db, { principalId: who.id, roomId })

  it('counts chats of others since the room was followed, without purged and own chats', async () => {
    await people()
    const roomId = await room('open')
    await say(roomId, bob, 5)
    await follow(alice, roomId)
    await say(roomId, bob, 3)
    await say(roomId, alice, 2)
    await say(roomId, bob, 1, { state: 'purged' })
    await say(roomId, bob, 1, { unlogged: true })

    expect(await listOf(alice)).toEqual([{ id: roomId, last: 12, read: 5, unread: 3 }])
    expect(await listOf(bob)).toEqual([])
  })

  it('counts up to a thousand', async () => {
    await people()
    const roomId = await room('open')
    await follow(alice, roomId)
    await say(roomId, bob, 1_005)

    expect((await listOf(alice))[0]!.unread).toBe(1_000)
  })

  it('never moves a mark back, nor beyond the newest chat', async () => {
    await people()
    const roomId = await room('open')
    await follow(alice, roomId)
    await say(roomId, bob, 10)
    const marks: number[] = []

    for (const chatId of [4, 2, 0, 7, Number.MAX_SAFE_INTEGER, 3]) {
      await putReadMark(db, { principalId: alice.id, roomId, chatId })
      marks.push((await listOf(alice))[0]!.read)
    }

    expect(marks).toEqual([4, 4, 4, 7, 10, 10])
  })

  it('keeps the mark when a room is unfollowed and followed again', async () => {
    await people()
    const roomId = await room('open')
    const { uri } = await db.knex('room').where({ id: roomId }).first('uri')
    await follow(alice, roomId)
    await unfollowRoom(db, { principalId: alice.id, roomUri: uri })
    await say(roomId, bob, 2)
    await unfollowRoom(db, { principalId: alice.id, roomUri: 'ma-chan://nowhere\0' })
    expect(await listOf(alice)).toEqual([])

    await follow(alice, roomId)
    await follow(alice, roomId)

    expect(await listOf(alice)).toEqual([{ id: roomId, last: 2, read: 0, unread: 2 }])
  })

  it('reveals nothing about a room behind a wall, and shows it again when the wall is removed', async () => {
    await people()
    const rooms = [await room('secret', [alice]), await room('closed', [alice]), await room('open')]
    for (const id of rooms) await follow(alice, id)
    for (const id of rooms) await say(id, bob, 1)
    expect((await listOf(alice)).map(({ id }) => id)).toEqual(rooms)

    await db.knex('room_role').where({ principal_id: alice.id }).delete()
    expect((await listOf(alice)).map(({ id }) => id)).toEqual([rooms[2]])
    await db.knex('category_scope').insert({ category_id: store.categoryId, principal_id: alice.id, list: 'denied' })
    expect(await listOf(alice)).toEqual([])

    await db.knex('category_scope').where({ principal_id: alice.id, list: 'denied' }).delete()
    await db.knex('room').where({ id: rooms[2] }).update({ disabled: true })
    expect(await listOf(alice)).toEqual([])
    await db.knex('room').where({ id: rooms[2] }).update({ disabled: false })
    expect((await listOf(alice)).map(({ id, unread }) => [id, unread])).toEqual([[rooms[2], 1]])
    await db.knex('room').where({ id: rooms[2] }).update({ deleted_at: NOW })
    expect(await listOf(alice)).toEqual([])
  })

  it('bounds the number of followed rooms, hidden ones included', async () => {
    await people()
    const first = await room('open')
    await follow(alice, first)
    const more = Array.from({ length: FOLLOWED_ROOMS_MAX - 1 }, (_, n) => ({
      principal_id: alice.id,
      room_id: 1_000_000 + n,
    }))
    for (let from = 0; from < more.length; from += 400)
      await db.knex('followed_room').insert(more.slice(from, from + 400))

    expect(await follow(alice, await room('open'))).toBe('limit-exceeded')
    expect(await follow(alice, first)).toBe('followed')
  })

  it('finds the rooms whose history a principal may read, by the common rule', async () => {
    await people()
    const [secret, other, open] = [await room('secret', [alice]), await room('secret', [bob]), await room('open')]
    const among = { ids: [secret, other, open] }
    const ids = async (withHistory: boolean) =>
      (await readableRooms(db, alice.id, { ...among, withHistory })).map(({ id }) => id).sort((a, b) => a - b)

    expect(await ids(true)).toEqual([secret, open])
    await db.knex('category').update({ chat_history: false })
    expect(await ids(true)).toEqual([])
    expect(await ids(false)).toEqual([secret, open])
    await db.knex('category').update({ chat_history: true })
    expect(await readableRooms(db, alice.id, { uris: ['\0', 'ma-chan://x'] })).toEqual([])
  })

  it('shows invitations in batches, and none to a deleted or closed room', async () => {
    await people()
    const rooms = [
      await room('secret', [alice]),
      await room('open'),
      await room('secret'),
      await room('closed', [alice]),
    ]
    for (const [n, roomId] of rooms.entries()) {
      await db.knex('invitation').insert({
        principal_id: alice.id,
        invitation_id: n + 1,
        room_id: roomId,
        inviter_uri: bob.uri,
        inviter_name: bob.name,
        created_at: NOW + n,
      })
    }
    const batch = (after: number, limit: number) => invitationsOf(db, { principalId: alice.id, after, limit })
    const ids = async (after: number, limit: number) => {
      const { invitations, more } = await batch(after, limit)
      return [invitations.map((invitation) => invitation.id), more]
    }

    expect(await ids(0, 2)).toEqual([[1, 2], true])
    expect(await ids(2, 2)).toEqual([[4], false])
    expect((await batch(0, 1)).invitations[0]).toMatchObject({ from: { uri: bob.uri, name: bob.name }, at: NOW })
    expect(await invitationsOf(db, { principalId: bob.id, after: 0, limit: 10 })).toEqual({
      invitations: [],
      more: false,
    })
    await db.knex('room').where({ id: rooms[1] }).update({ deleted_at: NOW })
    await db.knex('room_role').where({ room_id: rooms[0]! }).delete()
    expect(await ids(0, 10)).toEqual([[4], false])
  })
})
