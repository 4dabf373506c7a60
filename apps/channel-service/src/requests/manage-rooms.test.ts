import type { Bus } from '@hansard/bus'
import type { Principal, Room } from '@hansard/pool-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, openPoolInTest, type PoolInTest, type Reply } from '../service-in-test.ts'

type Request = Parameters<Client['ask']>[0]
const MISSING = 'ma-chan://example.com/00000000-0000-0000-0000-000000000000'

describe.each(['sqlite', 'postgres'] as const)('managing rooms on %s', (dialect) => {
  let pool: PoolInTest
  let bus: Bus
  let alice: Client
  let bob: Client
  let carol: Client
  let bobAccount: Principal

  beforeEach(async () => {
    pool = await openPoolInTest(dialect)
    bus = pool.openBus()
    const people = await Promise.all(['alice', 'bob', 'carol', 'dave'].map((account) => pool.person(account)))
    bobAccount = people[1]!
    await pool.db.knex('pool_role').insert({ principal_id: people[2]!.id, role: 'administrator' })
    const general: { id: number } = await pool.db.knex('category').first('id')
    const creator = { category_id: general.id, principal_id: people[0]!.id, list: 'creator' }
    await pool.db.knex('category_scope').insert(creator)
    const { connect } = await pool.start({}, { bus })
    ;[alice, bob, carol] = (await Promise.all(['alice', 'bob', 'carol'].map(connect))) as [Client, Client, Client]
  })
  afterEach(() => pool.close())

  const uriOf = (reply: Reply) => (reply.t === 'room-created' ? reply.room : '')
  const makeRoom = async (more = {}) => {
    const made = await alice.ask({ t: 'create-room', category: 'General', name: 'desk', members: ['bob'], ...more })
    return { uri: uriOf(made) } as Room
  }

  it('creates a room that its creator manages and its members can join', async () => {
    const room = await makeRoom({ members: ['alice', 'sip:bob@example.com'], topic: 'lots', privacy: 'secret' })
    const seen = await alice.ask({ t: 'room', room: room.uri })

    expect(seen).toMatchObject({
      room: {
        ...{ name: 'desk', topic: 'lots', privacy: 'secret', category: 'General', mayJoin: true, mayManage: true },
        managers: [{ uri: 'sip:alice@example.com', type: 'user' }],
        members: [{ uri: 'sip:alice@example.com' }, { uri: 'sip:bob@example.com' }],
      },
    })
    expect(await bob.ask({ t: 'join', room: room.uri })).toMatchObject({ t: 'joined', topic: 'lots', mayPost: true })
    const asMember = await bob.ask({ t: 'room', room: room.uri })
    expect(asMember.t === 'room' && [asMember.room.mayManage, asMember.room.members]).toEqual([false, undefined])
    expect(await bob.ask({ t: 'create-room', category: 'General', name: 'mine' })).toMatchObject({
      code: 'not-a-creator',
    })
    expect(await bob.ask({ t: 'categories' })).toMatchObject({ categories: [] })
    expect(await alice.ask({ t: 'categories' })).toMatchObject({ categories: [{ name: 'General' }] })
    expect(await alice.ask({ t: 'create-room', category: 'General', name: 'desk' })).toMatchObject({
      code: 'duplicate-name',
    })
  })

  it('removes a participant who is no longer a member, and notifies the others of the change', async () => {
    const room = await makeRoom({ members: ['alice', 'bob'] })
    for (const each of [alice, bob]) await each.ask({ t: 'join', room: room.uri })
    await alice.ask({ t: 'change-room', room: room.uri, topic: 'earnings', type: 'auditorium' })
    await alice.told('room-changed')
    await bob.told('room-changed')
    const refused = await bob.post(room, 'hello')
    await alice.ask({ t: 'change-roles', room: room.uri, role: 'presenter', add: ['bob'], remove: [] })
    const accepted = await bob.post(room, 'hello')
    await alice.ask({ t: 'change-roles', room: room.uri, role: 'member', add: [], remove: ['bob'] })

    expect(refused).toMatchObject({ code: 'not-a-presenter' })
    expect(accepted).toMatchObject({ t: 'posted' })
    expect(await bob.told('room-closed')).toMatchObject({ room: room.uri, reason: 'removed' })
    expect(await bob.ask({ t: 'change-room', room: room.uri, topic: 'mine' })).toMatchObject({ code: 'not-a-manager' })
  })

  it('answers every request for a hidden room as for one that does not exist', async () => {
    const room = await makeRoom({ privacy: 'secret', members: ['alice'] })
    const requests = [
      ...(['join', 'history', 'room', 'roster', 'disable-room', 'enable-room', 'delete-room'] as const).map((t) => ({
        t,
      })),
      { t: 'change-room', topic: 'x' } as const,
      { t: 'change-roles', role: 'member', add: ['bob'], remove: [] } as const,
      { t: 'replace-chat', chat: 1, text: 'x' } as const,
      { t: 'delete-chat', chat: 1 } as const,
      { t: 'clear-room', through: 9e12 } as const,
      { t: 'purge-chats', filter: { words: 'x', match: 'all', caseSensitive: false } } as const,
      { t: 'eligible' } as const,
    ]
    for (const request of requests) {
      const hidden = await bob.ask({ ...request, room: room.uri } as Request)
      const missing = await bob.ask({ ...request, room: MISSING } as Request)
      expect({ ...hidden, re: 0 }, request.t).toEqual({ ...missing, re: 0 })
      expect(hidden, request.t).toMatchObject({ t: 'refused' })
    }
    expect(await bob.ask({ t: 'rooms', all: true })).toMatchObject({ rooms: [] })
  })

  it('replaces, deletes, purges and clears chats for administrators, and notifies members', async () => {
    const room = await makeRoom({ members: ['alice', 'bob'] })
    for (const each of [alice, bob]) await each.ask({ t: 'join', room: room.uri })
    for (const text of ['one', 'two', 'three', 'four', 'five']) await alice.post(room, text)

    expect(await alice.ask({ t: 'delete-chat', room: room.uri, chat: 1 })).toMatchObject({
      code: 'not-an-administrator',
    })
    expect(await carol.ask({ t: 'delete-chat', room: room.uri, chat: 1 })).toMatchObject({ t: 'done' })
    expect(await carol.ask({ t: 'replace-chat', room: room.uri, chat: 2, text: 'TWO' })).toMatchObject({ t: 'done' })
    expect(await carol.ask({ t: 'replace-chat', room: room.uri, chat: 2, text: 'x'.repeat(4_097) })).toMatchObject({
      code: 'too-long',
    })
    const filter = { words: 'three', match: 'all', caseSensitive: false } as const
    expect(await carol.ask({ t: 'purge-chats', room: room.uri, filter })).toMatchObject({ t: 'done', count: 1 })
    await bob.until(() => bob.pushed.filter((m) => m.t === 'chat-purged').length === 2)
    expect(bob.pushed.filter((m) => m.t.startsWith('chat-'))).toMatchObject([
      { t: 'chat-purged', chat: 1 },
      { t: 'chat-replaced', chat: 2, text: 'TWO' },
      { t: 'chat-purged', chat: 3 },
    ])
    const history = await bob.ask({ t: 'history', room: room.uri })
    expect(history.t === 'history' && history.chats.map((c) => [c.text, c.replaced])).toEqual([
      ['TWO', true],
      ['four', undefined],
      ['five', undefined],
    ])
    expect(await carol.ask({ t: 'clear-room', room: room.uri, through: 9e12 })).toMatchObject({ t: 'done', count: 3 })
    expect(await bob.ask({ t: 'history', room: room.uri })).toMatchObject({ chats: [], more: false })
  })

  it('keeps a replaced story a story, the same for participants and for readers of history', async () => {
    const room = await makeRoom({ members: ['alice', 'bob'] })
    for (const each of [alice, bob]) await each.ask({ t: 'join', room: room.uri })
    const story = { t: 'post', room: room.uri, text: 'x'.repeat(10_000), title: 'Plan A', alert: true } as const
    for (const post of ['a', 'b', 'c']) expect(await alice.ask({ ...story, post })).toMatchObject({ t: 'posted' })
    await alice.post(room, 'no story')
    const replace = (chat: number, text: string, title?: string) =>
      carol.ask({ t: 'replace-chat', room: room.uri, chat, text, ...(title === undefined ? {} : { title }) })

    expect(await replace(1, 'y'.repeat(9_000))).toMatchObject({ t: 'done' })
    expect(await replace(2, 'second body', 'Plan B')).toMatchObject({ t: 'done' })
    expect(await replace(2, 'x'.repeat(65_537))).toMatchObject({ code: 'too-long' })
    expect(await replace(4, 'second text', 'Plan B')).toMatchObject({ code: 'invalid' })
    const purge = { t: 'purge-chats', room: room.uri, replacement: '(removed)' } as const
    const rest = { words: 'Plan A', match: 'phrase', caseSensitive: false } as const
    expect(await carol.ask({ ...purge, filter: rest })).toMatchObject({ count: 2 })

    await bob.until(() => bob.pushed.filter((m) => m.t === 'chat-replaced').length === 4)
    const pushed = bob.pushed.flatMap((m) => (m.t === 'chat-replaced' ? [[m.chat, m.text, m.title]] : []))
    expect(pushed).toEqual([
      [1, 'y'.repeat(9_000), 'Plan A'],
      [2, 'second body', 'Plan B'],
      [1, '(removed)', undefined],
      [3, '(removed)', undefined],
    ])
    const history = await bob.ask({ t: 'history', room: room.uri })
    expect(history.t === 'history' && history.chats.map((c) => [c.chat, c.text, c.title, c.alert])).toEqual([
      [1, '(removed)', undefined, true],
      [2, 'second body', 'Plan B', true],
      [3, '(removed)', undefined, true],
      [4, 'no story', undefined, undefined],
    ])
    expect(await replace(1, 'y'.repeat(4_097))).toMatchObject({ code: 'too-long' })
  })

  it('disables, enables and deletes a room', async () => {
    const room = await makeRoom({ members: ['alice', 'bob'] })
    await bob.ask({ t: 'join', room: room.uri })
    expect(await alice.ask({ t: 'disable-room', room: room.uri })).toMatchObject({ t: 'done' })
    expect(await bob.told('room-closed')).toMatchObject({ reason: 'disabled' })
    expect(await bob.ask({ t: 'join', room: room.uri })).toMatchObject({ code: 'room-disabled' })
    expect(await alice.ask({ t: 'enable-room', room: room.uri })).toMatchObject({ code: 'not-an-administrator' })
    expect(await carol.ask({ t: 'enable-room', room: room.uri })).toMatchObject({ t: 'done' })
    expect(await bob.ask({ t: 'join', room: room.uri })).toMatchObject({ t: 'joined' })
    expect(await carol.ask({ t: 'delete-room', room: room.uri })).toMatchObject({ t: 'done' })
    await bob.until(() => bob.pushed.some((m) => m.t === 'room-closed' && m.reason === 'deleted'))
    expect(await bob.ask({ t: 'join', room: room.uri })).toMatchObject({ code: 'no-such-room' })
  })

  it('finds rooms by every filter, behind the wall', async () => {
    await makeRoom({ name: 'Lots of lots', privacy: 'open', members: [] })
    await makeRoom({ name: 'Options', privacy: 'closed', description: 'and some lots', members: ['bob'] })
    await makeRoom({ name: 'Board', privacy: 'secret', members: ['alice'] })
    const category = await pool.addCategory('Other side', { allowed: [bobAccount.id] })
    await pool.room('Their lots', 'open', { category })
    const names = async (client: Client, filter = {}) => {
      const found = await client.ask({ t: 'rooms', ...filter })
      return found.t === 'rooms' ? found.rooms.map(({ name }) => name) : found
    }

    expect(await names(alice)).toEqual(['Board', 'Lots of lots', 'Options'])
    expect(await names(alice, { all: true })).toEqual(['Board', 'Lots of lots', 'Options'])
    expect(await names(bob)).toEqual(['Lots of lots', 'Options', 'Their lots'])
    expect(await names(carol, { all: true })).toEqual(['Board', 'Lots of lots', 'Options', 'Their lots'])
    expect(await names(carol)).toEqual(['Lots of lots'])
    expect(await names(alice, { all: true, text: 'lots' })).toEqual(['Lots of lots'])
    expect(await names(alice, { all: true, text: 'lots', inDescription: true })).toEqual(['Lots of lots', 'Options'])
    expect(await names(alice, { all: true, text: 'board options', match: 'any' })).toEqual(['Board', 'Options'])
    expect(await names(alice, { all: true, text: 'board', match: 'exact' })).toEqual(['Board'])
    expect(await names(alice, { all: true, privacy: 'closed' })).toEqual(['Options'])
    expect(await names(bob, { all: true, mine: true })).toEqual(['Options'])
    expect(await names(alice, { all: true, managed: true, type: 'normal' })).toEqual([
      'Board',
      'Lots of lots',
      'Options',
    ])
    expect(await names(alice, { all: true, member: 'sip:bob@example.com' })).toEqual(['Options'])
    expect(await names(alice, { all: true, member: 'sip:nobody@example.com' })).toEqual([])
    expect(await names(alice, { followed: true })).toEqual([])
    const page = await alice.ask({ t: 'rooms', all: true, limit: 2 })
    expect(page.t === 'rooms' && page.next).toMatch(/^Lots of lots\nma-chan:/)
    expect(await names(alice, { all: true, after: 'Lots of lots' })).toEqual(['Options'])
  })

  it('lists eligible principals, only to callers who may assign roles', async () => {
    const room = await makeRoom({ members: ['bob'] })
    const found = await alice.ask({ t: 'eligible', room: room.uri, text: '*B@*' })
    expect(found).toMatchObject({ principals: [{ uri: 'sip:bob@example.com', name: 'BOB', type: 'user' }] })
    const members = await alice.ask({ t: 'eligible', room: room.uri, presenters: true })
    expect(members).toMatchObject({ principals: [{ uri: 'sip:alice@example.com' }, { uri: 'sip:bob@example.com' }] })
    expect(await alice.ask({ t: 'eligible', category: 'General', limit: 1 })).toMatchObject({ t: 'eligible' })
    expect(await bob.ask({ t: 'eligible', room: room.uri })).toMatchObject({ code: 'not-a-manager' })
    expect(await bob.ask({ t: 'eligible', category: 'General' })).toMatchObject({ code: 'not-a-creator' })
    expect(await bob.ask({ t: 'eligible', category: 'Nothing' })).toMatchObject({ code: 'not-a-creator' })
    expect(await alice.ask({ t: 'eligible' })).toMatchObject({ code: 'invalid' })
  })
})
