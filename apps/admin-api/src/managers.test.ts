import type { AdminRouteName } from '@hansard/admin-contract'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type AdminInTest, openAdminInTest } from './admin-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('a room manager without a role, on %s', (dialect) => {
  let test: AdminInTest
  let operator: string
  let mia: string
  const rooms: Record<string, string> = {}
  beforeAll(async () => {
    test = await openAdminInTest(dialect, { site: 'oslo' })
    operator = await test.signIn()
    mia = await test.addUser('mia')
    await test.addUser('member')
    const walled = { name: 'Walled', allowed: ['member'] }
    await test.done('addCategory', { token: operator, body: walled })
    await test.done('addCategory', { token: operator, body: { name: 'Own', allowed: ['mia'], creators: ['mia'] } })
    const make = async (name: string, more: object) => {
      const body = { name, category: 'General', ...more }
      rooms[name] = (await test.done('createRoom', { token: operator, body })).uri
    }
    await make('managed', { managers: ['mia'], members: ['member'] })
    await make('open', { privacy: 'open' })
    await make('secret', { privacy: 'secret', members: ['member'] })
    await make('joined', { members: ['mia'] })
    await make('walled', { category: 'Walled' })
  })
  afterAll(() => test?.close())

  it('sees and changes the rooms it manages, as the rules permit', async () => {
    const room = { token: mia, deps: { room: 'managed' } }
    expect((await test.done('listRooms', { token: mia })).rooms.map(({ name }) => name)).toEqual(['managed'])
    expect((await test.done('showRoom', room)).members).toEqual([
      { uri: 'sip:member@example.com', name: 'member', type: 'user' },
    ])
    expect(await test.done('changeRoom', { ...room, body: { topic: 'Bonds', privacy: 'open' } })).toMatchObject({
      topic: 'Bonds',
      privacy: 'open',
    })
    const body = { members: { add: ['sip:mia@example.com'], remove: ['member'] } }
    expect((await test.done('changeRoomRoles', { ...room, body })).members.map(({ name }) => name)).toEqual(['mia'])
    const eligible = await test.done('eligiblePrincipals', { token: mia, query: { room: 'managed', filter: 'sip:m*' } })
    expect(eligible.principals.map(({ name }) => name)).toEqual(['member', 'mia'])
    expect((await test.changes()).filter(({ by }) => by === 'sip:mia@example.com')).toHaveLength(2)
  })

  it('creates rooms where it is a creator, and moves its own there', async () => {
    const body = { name: 'made', category: 'Own' }
    expect((await test.done('createRoom', { token: mia, body })).managers.map(({ name }) => name)).toEqual(['mia'])
    const extra = { name: 'to move', category: 'General', managers: ['mia'], members: ['member'] }
    await test.done('createRoom', { token: operator, body: extra })
    const moved = await test.done('moveRoom', { token: mia, deps: { room: 'to move' }, body: { category: 'Own' } })
    expect(moved).toMatchObject({
      category: 'Own',
      dropped: expect.arrayContaining(['sip:member@example.com']),
      members: [],
    })
    const query = { category: 'Own' }
    expect((await test.done('eligiblePrincipals', { token: mia, query })).principals).toHaveLength(1)
  })

  it('sees the categories it may create rooms in and the add-ins, as in the client protocol, and no more', async () => {
    await test.done('addAddIn', { token: operator, body: { name: 'board', url: 'https://example.com/b' } })
    const categories = async (token: string, query = {}) => test.done('listCategories', { token, query })
    expect(await categories(mia)).toEqual({ categories: [{ name: 'Own', description: '' }], next: null })
    expect((await categories(mia, { name: 'W*' })).categories).toEqual([])
    expect((await test.ask('listCategories', { token: mia, query: { principal: 'member' } })).status).toBe(403)
    expect((await test.ask('showCategory', { token: mia, deps: { category: 'Own' } })).status).toBe(403)
    expect((await test.done('listAddIns', { token: mia })).addIns).toMatchObject([{ name: 'board' }])

    const stranger = await test.addUser('stranger')
    for (const name of ['listCategories', 'listAddIns'] as const)
      expect((await test.ask(name, { token: stranger })).body).toMatchObject({ error: 'not-allowed' })
    const general = { deps: { category: 'General' }, body: { creators: { add: ['stranger'] } } }
    await test.done('changeCategory', { token: operator, ...general })
    expect((await categories(stranger)).categories.map(({ name }) => name)).toEqual(['General'])
    expect((await test.done('listAddIns', { token: stranger })).addIns).toHaveLength(1)
    await test.done('changeCategory', { token: operator, ...general, body: { creators: { remove: ['stranger'] } } })
  })

  it('gets the same answer for every other room as for one that does not exist', async () => {
    const asked: [AdminRouteName, object | undefined][] = [
      ['showRoom', undefined],
      ['changeRoom', { topic: 'x' }],
      ['changeRoomRoles', { members: { add: ['mia'] } }],
      ['disableRoom', undefined],
      ['moveRoom', { category: 'Own' }],
    ]
    for (const [name, body] of asked) {
      const answers = await Promise.all(
        ['open', 'secret', 'joined', 'walled', 'not there', rooms['secret']!, rooms['walled']!].map(async (room) => {
          const answer = await test.ask(name, { token: mia, deps: { room }, ...(body ? { body } : {}) })
          return JSON.stringify(answer)
        }),
      )
      expect(new Set(answers).size, `${name}: ${answers.join('\n')}`).toBe(1)
      expect(answers[0]).toContain('"status":404')
    }
    const eligible = async (query: Record<string, string>) =>
      JSON.stringify(await test.ask('eligiblePrincipals', { token: mia, query }))
    expect(await eligible({ room: 'secret' })).toBe(await eligible({ room: 'not there' }))
    expect(await eligible({ category: 'Walled' })).toBe(await eligible({ category: 'not there' }))
    expect(await eligible({ category: 'General' })).toBe(await eligible({ category: 'not there' }))
    const create = async (category: string) =>
      JSON.stringify(await test.ask('createRoom', { token: mia, body: { name: 'secret', category } }))
    expect(await create('Walled')).toBe(await create('not there'))
    const move = async (category: string) =>
      JSON.stringify(await test.ask('moveRoom', { token: mia, deps: { room: 'managed' }, body: { category } }))
    expect(await move('Walled')).toBe(await move('not there'))
  })

  it('finds no other room by any filter', async () => {
    for (const query of [{ name: '*' }, { privacy: 'secret' }, { category: 'Walled' }, { member: 'member' }])
      for (const { name } of (await test.done('listRooms', { token: mia, query })).rooms)
        expect(['managed', 'made', 'to move']).toContain(name)
  })

  it('sees who is in a room that it may join, like everybody else', async () => {
    const { knex } = test.poolDb
    const [member, mia0] = await Promise.all(
      ['member', 'mia'].map((account): Promise<{ id: number }> => knex('principal').where({ account }).first('id')),
    )
    const present = { principal_id: member!.id, source: 'channel', epoch: 1, joined_at: 1 }
    for (const uri of Object.values(rooms)) {
      const { id }: { id: number } = await knex('room').where({ uri }).first('id')
      await knex('participant').insert({ ...present, room_id: id, session: `in ${id}` })
    }
    const found = async (token: string) =>
      (await test.done('listRooms', { token, query: { joined: 'member' } })).rooms.map(({ name }) => name)

    // `managed` is open by now. `joined` has mia as a member, but she does not manage it.
    expect(await found(mia)).toEqual(['managed'])
    expect(await found(operator)).toEqual(['managed', 'open'])
    await knex('room').where({ name: 'managed' }).update({ privacy: 'closed' })
    expect(await found(operator)).toEqual(['open'])
    const own = { principal_id: mia0!.id, role: 'member' }
    await knex('room_role').where(own).delete()
    expect(await found(mia)).toEqual([])
    await knex('room').where({ name: 'managed' }).update({ privacy: 'open' })
    await knex('participant').delete()
    expect(await found(operator)).toEqual([])
  })

  it.each(['global', 'site:oslo', 'pool:test'])('has no access while the policy %s bars it', async (identity) => {
    await test.done('addPolicy', { token: operator, body: { identity: 'site:lima', enabled: false } })
    await test.done('listRooms', { token: mia })
    await test.done('addPolicy', { token: operator, body: { identity, enabled: false } })
    expect((await test.ask('listRooms', { token: mia })).body).toMatchObject({ error: 'not-allowed' })
    expect((await test.ask('showRoom', { token: mia, deps: { room: 'managed' } })).status).toBe(403)
    for (const policy of [identity, 'site:lima']) await test.done('removePolicy', { token: operator, deps: { policy } })
    await test.done('listRooms', { token: mia })
  })

  it('loses access with its last room, at once', async () => {
    const body = { managers: { set: [] } }
    for (const room of ['managed', 'made', 'to move'])
      await test.done('changeRoomRoles', { token: operator, deps: { room }, body })
    expect((await test.ask('listRooms', { token: mia })).body).toMatchObject({ error: 'not-allowed' })
    expect((await test.ask('showRoom', { token: mia, deps: { room: 'managed' } })).status).toBe(404)
  })
})
