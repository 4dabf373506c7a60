import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminInTest, NOW, openAdminInTest } from './admin-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('rooms and users over HTTP, on %s', (dialect) => {
  let test: AdminInTest
  let token: string
  beforeAll(async () => {
    test = await openAdminInTest(dialect)
    token = await test.signIn()
    const users = ['ann', 'bob', 'cyd'].map((account) => ({ account }))
    await test.done('addUsers', { token, body: { users } })
  })
  afterAll(() => test?.close())

  it('creates, lists, changes and removes groups, and their rights with them', async () => {
    const made = await test.done('addGroup', { token, body: { name: 'Desk & Co', members: ['ann', 'bob'] } })
    expect(made).toMatchObject({ uri: 'ma-grp:Desk%20%26%20Co@example.com', name: 'Desk & Co' })
    const group = { token, deps: { group: 'Desk & Co' } }
    const body = { displayName: 'The desk', members: { add: ['cyd'], remove: ['ann'] } }
    expect((await test.done('changeGroup', { ...group, body })).members.map(({ name }) => name)).toEqual(['bob', 'cyd'])
    expect((await test.done('listGroups', { token, query: { member: 'cyd' } })).groups).toMatchObject([{ members: 2 }])
    expect((await test.done('showUser', { token, deps: { user: 'bob' } })).groups).toMatchObject([{ name: 'The desk' }])
    expect(await test.ask('addGroup', { token, body: { name: 'Desk & Co' } })).toMatchObject({
      status: 409,
      body: { error: 'duplicate-name' },
    })
    expect(await test.done('removeGroup', group)).toEqual({ removed: made.uri })
    expect(await test.ask('showGroup', group)).toMatchObject({ status: 404, body: { error: 'no-such-group' } })
  })

  it('asks which room is meant where several have one name, and takes CATEGORY/NAME for an answer', async () => {
    const creator = await test.addUser('creator')
    const add = (name: string, creators: string[]) =>
      test.done('addCategory', { token, body: { name, allowed: creators, creators } })
    await add('One', [])
    await add('Two', ['creator'])
    const one = await test.done('createRoom', { token, body: { name: 'twin', category: 'One' } })
    const two = await test.done('createRoom', { token: creator, body: { name: 'twin', category: 'Two' } })
    const body = { topic: 'x' }
    for (const route of ['showRoom', 'changeRoom', 'disableRoom', 'deleteRoom'] as const) {
      const asked = { deps: { room: 'twin' }, ...(route === 'changeRoom' ? { body } : {}) }
      const answer = await test.ask(route, { token, ...asked })
      expect([answer.status, answer.body.error], route).toEqual([409, 'ambiguous-name'])
      for (const part of ['One/twin', one.uri, 'Two/twin', two.uri]) expect(answer.body.message).toContain(part)
    }
    expect(await test.done('showRoom', { token, deps: { room: 'One/twin' } })).toMatchObject({ uri: one.uri })
    expect(await test.done('changeRoom', { token, deps: { room: 'Two/twin' }, body })).toMatchObject({ uri: two.uri })
    // For a manager of one of them the name means that one, and no name finds the other.
    expect(await test.done('showRoom', { token: creator, deps: { room: 'twin' } })).toMatchObject({ uri: two.uri })
    expect((await test.ask('showRoom', { token: creator, deps: { room: 'One/twin' } })).status).toBe(404)
    const { rooms } = await test.done('listRooms', { token, query: { name: 'twin', limit: '1' } })
    expect(rooms).toHaveLength(1)
    for (const { uri } of [one, two]) await test.done('deleteRoom', { token, deps: { room: uri } })
  })

  it('puts a room behind a wall, and answers a refusal of the rules with its own code', async () => {
    const category = { name: 'Wall', allowed: ['ann', 'bob'], denied: ['bob'], description: 'a wall' }
    expect(await test.done('addCategory', { token, body: category })).toMatchObject({ rooms: 0, chatHistory: true })
    const room = { name: 'within', category: 'Wall', type: 'auditorium', members: ['ann'], presenters: ['ann'] }
    expect(await test.done('createRoom', { token, body: room })).toMatchObject({
      privacy: 'closed',
      type: 'auditorium',
    })
    const refusals: [Parameters<AdminInTest['ask']>, number, string][] = [
      [['createRoom', { body: { ...room, name: 'other', members: ['bob'] } }], 422, 'not-in-scope'],
      [['createRoom', { body: room }], 409, 'duplicate-name'],
      [['createRoom', { body: { ...room, name: 'ma-chan://x' } }], 422, 'invalid'],
      [['createRoom', { body: { ...room, name: 'x', category: 'none' } }], 404, 'no-such-category'],
      [['createRoom', { body: { ...room, name: 'x', addIn: 'none' } }], 404, 'no-such-add-in'],
      [['changeRoomRoles', { deps: { room: 'none' }, body: {} }], 404, 'no-such-room'],
      [['changeRoomRoles', { deps: { room: 'within' }, body: { members: { add: ['no'] } } }], 404, 'no-such-principal'],
      [['removeCategory', { deps: { category: 'Wall' } }], 409, 'category-not-empty'],
      [['eligiblePrincipals', { query: {} }], 400, 'malformed'],
    ]
    for (const [[name, options], status, error] of refusals) {
      const answer = await test.ask(name, { token, ...options })
      expect([answer.status, answer.body.error], `${name} ${JSON.stringify(answer.body)}`).toEqual([status, error])
    }
    const query = { room: 'within', presenters: true }
    expect((await test.done('eligiblePrincipals', { token, query })).principals.map(({ name }) => name)).toEqual([
      'ann',
    ])
    const limited = await test.done('eligiblePrincipals', { token, query: { category: 'General', resultSize: 2 } })
    expect([limited.principals.length, limited.more]).toEqual([2, true])
  })

  it('changes, disables, moves and deletes a room, by its name or its URI, and notifies the other services', async () => {
    const body = { name: 'a/b %2F ü', category: 'Wall', members: ['ann'] }
    const { uri } = await test.done('createRoom', { token, body })
    const room = { token, deps: { room: 'a/b %2F ü' } }
    expect((await test.done('showRoom', room)).uri).toBe(uri)
    expect((await test.done('changeRoom', { ...room, body: { name: 'calm' } })).name).toBe('calm')
    const byUri = { token, deps: { room: uri } }
    test.heard.length = 0
    expect((await test.done('disableRoom', byUri)).disabled).toBe(true)
    expect(test.heard).toContainEqual(expect.objectContaining({ t: 'room-changed', rights: expect.any(Number) }))
    expect((await test.done('enableRoom', byUri)).disabled).toBe(false)
    await test.done('addCategory', { token, body: { name: 'Other', allowed: ['cyd'] } })
    const moved = await test.done('moveRoom', { ...byUri, body: { category: 'Other' } })
    expect(moved).toMatchObject({ category: 'Other', members: [], dropped: ['sip:ann@example.com'] })
    expect(moved.droppedFrom.members).toEqual(['sip:ann@example.com'])
    expect((await test.done('listRooms', { token, query: { category: 'Other', name: 'CALM' } })).rooms).toHaveLength(1)
    const many = { topic: 'all', type: 'auditorium', members: { add: ['cyd'] }, presenters: { add: ['cyd'] } }
    const nowhere = { ...many, category: 'none' }
    expect(await test.ask('changeRoom', { ...byUri, body: nowhere })).toMatchObject({ status: 404 })
    expect(await test.done('showRoom', byUri)).toMatchObject({ topic: '', type: 'normal', members: [] })
    expect(await test.done('changeRoom', { ...byUri, body: { ...many, dryRun: true } })).toMatchObject({ topic: '' })
    const all = await test.done('changeRoom', { ...byUri, body: many })
    expect(all).toMatchObject({ topic: 'all', type: 'auditorium', members: [{ name: 'cyd' }], dryRun: false })
    const without = { ...byUri, body: { members: { remove: ['cyd'] } } }
    expect(await test.done('changeRoomRoles', without)).toMatchObject({
      dropped: ['sip:cyd@example.com'],
      droppedFrom: { members: [], presenters: ['sip:cyd@example.com'] },
    })
    expect(await test.done('deleteRoom', byUri)).toEqual({ removed: uri })
    expect(await test.ask('showRoom', byUri)).toMatchObject({ status: 404, body: { error: 'no-such-room' } })
  })

  it('finds rooms by every filter', async () => {
    await test.done('addAddIn', { token, body: { name: 'board', url: 'https://example.com/board' } })
    const all = { type: 'auditorium', privacy: 'secret', invitations: 'off', addIn: 'board', disabled: true }
    const people = { members: ['ann'], managers: ['ann'] }
    const body = { name: 'needle', category: 'Wall', description: 'in a haystack', ...all, ...people }
    await test.done('createRoom', { token, body })
    const filters: Record<string, string | boolean | number>[] = [
      { name: 'need*' },
      { name: '*haystack', searchDescription: true },
      { category: 'Wall', addIn: 'board' },
      { disabled: true },
      { privacy: 'secret' },
      { type: 'auditorium', disabled: true },
      { invitations: 'off' },
      { member: 'ann', privacy: 'secret' },
      { manager: 'sip:ann@example.com' },
    ]
    for (const query of filters) {
      const { rooms } = await test.done('listRooms', { token, query })
      expect(
        rooms.map(({ name }) => name),
        JSON.stringify(query),
      ).toEqual(['needle'])
    }
    expect((await test.done('listRooms', { token, query: { chatContentExceedsMb: 1 } })).rooms).toEqual([])
    const none: [Record<string, string>, string][] = [
      [{ category: 'zzz' }, 'no-such-category'],
      [{ member: 'ghost' }, 'no-such-principal'],
      [{ manager: 'sip:ghost@example.com' }, 'no-such-principal'],
      [{ addIn: 'nonexist' }, 'no-such-add-in'],
    ]
    for (const [query, error] of none)
      expect((await test.ask('listRooms', { token, query })).body, error).toMatchObject({ error })
    // The domain is a principal, whether or not any list contains it yet.
    expect((await test.done('listRooms', { token, query: { member: 'ma-grp:*@new.example' } })).rooms).toEqual([])
    expect((await test.ask('listRooms', { token, query: { privcay: 'secret' } })).body).toMatchObject({
      error: 'malformed',
    })
  })

  it('counts, replaces and removes chats, and keeps the originals on record', async () => {
    await test.done('createRoom', { token, body: { name: 'said', category: 'General', privacy: 'open' } })
    const { id: roomId } = await test.poolDb.knex('room').where({ name: 'said' }).first('id')
    const { id: ann } = await test.poolDb.knex('principal').where({ account: 'ann' }).first('id')
    const texts = ['buy bonds', 'sell bonds', 'good morning']
    for (const [index, text] of texts.entries())
      await test.poolDb.knex('chat').insert({
        ...{ room_id: roomId, chat_id: index + 1, posted_at: NOW + index, principal_id: ann, post: text },
        content: JSON.stringify(text),
      })
    await test.poolDb.knex('room').where({ id: roomId }).update({ last_chat_id: 3 })
    const room = { token, deps: { room: 'said' } }
    const filter = { words: 'bonds', authors: ['ann'] }
    expect(await test.done('removeChats', { ...room, body: { filter, dryRun: true } })).toEqual({
      chats: 2,
      dryRun: true,
    })
    const contents = async () =>
      (await test.poolDb.knex('chat').where({ room_id: roomId }).orderBy('chat_id')).map(({ content }) => content)
    expect(await contents()).toEqual(texts.map((text) => JSON.stringify(text)))
    const replaced = await test.done('replaceChats', { ...room, body: { filter: { words: 'sell' } } })
    expect(replaced).toEqual({ chats: 1, dryRun: false })
    expect(await test.done('removeChats', { ...room, body: { filter } })).toEqual({ chats: 1, dryRun: false })
    const standard = 'This message was replaced by the Persistent Chat administrator.'
    expect(await contents()).toEqual(['""', JSON.stringify(standard), '"good morning"'])
    expect(await test.done('clearRoom', { ...room, body: { through: NOW + 10 } })).toEqual({ chats: 2, dryRun: false })
    expect((await test.ask('removeChats', { ...room, body: { filter: {} } })).body).toMatchObject({ error: 'invalid' })
    const events: { body: string }[] = await test.poolDb.knex('outbox').orderBy(['epoch', 'seq']).select('body')
    const replacedTexts = events.map(({ body }) => JSON.parse(body).replaced).filter((text) => text !== undefined)
    expect(replacedTexts).toEqual(['sell bonds', 'buy bonds', standard, 'good morning'])
  })

  it('never locks out the last administrator', async () => {
    const body = { roles: { remove: ['administrator'] } }
    expect((await test.ask('changeUser', { token, deps: { user: 'operator' }, body })).body).toMatchObject({
      error: 'conflict',
    })
    const disabled = await test.ask('changeUser', { token, deps: { user: 'operator' }, body: { disabled: true } })
    expect(disabled.body).toMatchObject({ error: 'conflict' })
    await test.done('status', { token })
  })
})
