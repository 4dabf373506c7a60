import { decideFor } from '@hansard/pool-store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import { EVERYBODY, grp, must, openPlace, type PlaceInTest, type PoolInTest, refusal, sip } from './pool-in-test.ts'
import { stateByEvents, stateByTables } from './state-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('on %s', (dialect) => {
  let place: PlaceInTest
  let pool: PoolInTest
  let admin: CommandActor
  let ann: CommandActor
  let names = 0
  beforeAll(async () => {
    place = await openPlace(dialect)
    pool = await place.open()
    admin = await pool.addUser('admin', { roles: ['administrator'] })
    ann = await pool.addUser('ann')
    await pool.addUser('bob')
  })
  afterAll(async () => {
    expect(stateByEvents(await pool.events())).toEqual(await stateByTables(pool.db))
    await pool?.close()
    await place?.close()
  })
  const category = async (more: object = {}) => {
    const name = `category ${++names}`
    const { uri } = must(await pool.commands.createCategory(admin, { name, ...more }))
    await pool.changes()
    return { name, uri }
  }
  const group = async (...members: string[]) => {
    const name = `group${++names}`
    const { uri } = must(await pool.commands.createGroup(admin, { name, members }))
    await pool.changes()
    return { name, uri }
  }

  describe('a domain', () => {
    it('is the same however it is spelt: a wall around it applies to everybody in it', async () => {
      const { commands } = pool
      const account = `shout${++names}`
      const user = { account, domain: 'PARTNER.example', displayName: account, secret: 'key$x' }
      must(await commands.addUsers(admin, { users: [user] }))
      const shout = await pool.principal(account)
      const { name } = await category({ allowed: [shout.uri], denied: ['ma-grp:*@Partner.EXAMPLE'] })
      must(await commands.createRoom(admin, { name: `open in ${name}`, category: name, privacy: 'open' }))

      expect(shout.uri).toBe(`sip:${account}@partner.example`)
      const { id } = await pool.room(`open in ${name}`)
      expect((await decideFor(pool.db, 'join', { id }, shout)).decision).toEqual({
        allowed: false,
        reason: 'no-such-room',
      })
    })

    it('that is removed from a list leaves no trace if it was on none', async () => {
      const { name } = await category({ allowed: [EVERYBODY] })
      must(await pool.commands.createRoom(admin, { name: `of ${name}`, category: name }))
      const count = async () => Number((await pool.db.knex('principal').count({ n: '*' }).first())?.['n'])
      const before = await count()
      await pool.changes()

      const change = { remove: ['ma-grp:*@never.example', 'ma-grp:*@named.example'] }
      must(await pool.commands.changeRoles(admin, { room: `of ${name}`, role: 'member', change }))

      expect(await count()).toBe(before)
      expect(await pool.changes()).toEqual([])
    })
  })

  it('does not restore a pool role that a concurrent change has just revoked', async () => {
    const carol = await pool.addUser(`carol${++names}`, { roles: ['administrator'] })
    for (let round = 0; round < 5; round += 1) {
      must(await pool.commands.changeUser(admin, { user: carol.uri, roles: ['administrator'] }))
      await Promise.all([
        pool.commands.changeUser(admin, { user: carol.uri, roles: { remove: ['administrator'] } }),
        pool.commands.changeUser(admin, { user: carol.uri, roles: { add: ['auditor'] } }),
      ])
      expect((await pool.principal(carol.account)).roles).toEqual(['auditor'])
    }
  })

  describe('a category', () => {
    it('is changed by administrators only, under an unused name', async () => {
      const { name } = await category()
      const { commands } = pool
      expect(refusal(await commands.createCategory(ann, { name: 'No' }))).toBe('not-an-administrator')
      expect(refusal(await commands.changeCategory(ann, { category: name }))).toBe('not-an-administrator')
      expect(refusal(await commands.deleteCategory(ann, { category: name }))).toBe('not-an-administrator')
      expect(refusal(await commands.createCategory(admin, { name }))).toBe('duplicate-name')
      expect(refusal(await commands.createCategory(admin, { name: 'a\u0000' }))).toBe('invalid')
      expect(refusal(await commands.createCategory(admin, { name: 'No', description: '\ud800' }))).toBe('invalid')
      for (const nowhere of ['Nowhere', '\u0000', 'ma-cat://x/y']) {
        expect(refusal(await commands.changeCategory(admin, { category: nowhere }))).toBe('no-such-category')
        expect(refusal(await commands.deleteCategory(admin, { category: nowhere }))).toBe('no-such-category')
      }
      expect(refusal(await commands.changeCategory(admin, { category: name, name: 'General' }))).toBe('duplicate-name')
      // Rooms have names of their own: no command takes one for the other.
      must(await commands.createRoom(admin, { name: `${name} too`, category: name }))
      must(await commands.changeCategory(admin, { category: name, name: `${name} too` }))
    })

    it('records how its switches and lists differ, and nothing when nothing differs', async () => {
      const { name, uri } = await category({ allowed: [EVERYBODY] })
      const changes = {
        fileUpload: true,
        description: '',
        allowed: { add: [EVERYBODY] },
        denied: { add: [sip('bob')] },
      }
      must(await pool.commands.changeCategory(admin, { category: uri, ...changes }))
      const [event] = await pool.changes()
      expect(event).toMatchObject({ room: { name: 'test' }, subject: { type: 'category', uri, name } })
      expect([event!.before, event!.after]).toEqual([{ fileUpload: false }, { fileUpload: true, denied: [sip('bob')] }])
      must(await pool.commands.changeCategory(admin, { category: name, ...changes }))
      expect(await pool.changes()).toEqual([])
    })

    it('has creators only whom it allows: deny wins', async () => {
      const { name } = await category({ allowed: [EVERYBODY], denied: [sip('bob')] })
      const creators = { add: [sip('ann'), sip('bob')] }
      const result = await pool.commands.changeCategory(admin, { category: name, creators })
      expect(result).toMatchObject({
        refusal: 'not-in-scope',
        message: 'The category does not allow "sip:bob@example.com".',
      })
      must(await pool.commands.changeCategory(admin, { category: name, creators: { add: [sip('ann')] } }))
      must(await pool.commands.createRoom(ann, { name: `of ${name}`, category: name }))
      must(await pool.commands.changeCategory(admin, { category: name, denied: { add: [EVERYBODY] } }))
      expect(refusal(await pool.commands.createRoom(ann, { name: `not of ${name}`, category: name }))).toBe(
        'not-a-creator',
      )
    })

    it('can be deleted when it contains no room, also after its rooms were deleted', async () => {
      const { name, uri } = await category({ allowed: [EVERYBODY], denied: [sip('bob')], creators: [sip('ann')] })
      must(await pool.commands.createRoom(admin, { name: `in ${name}`, category: name, members: [sip('ann')] }))
      await pool.post('ann', `in ${name}`, 'Sell.')
      expect(refusal(await pool.commands.deleteCategory(admin, { category: name }))).toBe('category-not-empty')
      must(await pool.commands.deleteRoom(admin, { room: `in ${name}` }))
      await pool.changes()
      must(await pool.commands.deleteCategory(admin, { category: name }))
      const [deleted, ...others] = await pool.changes()
      expect(others).toEqual([])
      expect(deleted).toMatchObject({ action: 'deleted', subject: { uri }, after: {} })
      expect(deleted!.before).toEqual({
        ...{ name, description: '', invitations: false, fileUpload: false, chatHistory: true },
        ...{ allowed: [EVERYBODY], denied: [sip('bob')], creators: [sip('ann')] },
      })
      await pool.commands.preparePool()
      expect(await pool.changes()).toEqual([])
    })
  })

  describe('a group', () => {
    it('is changed by administrators only, under an unused name', async () => {
      const { name } = await group()
      const { commands } = pool
      expect(refusal(await commands.createGroup(ann, { name: 'no' }))).toBe('not-an-administrator')
      expect(refusal(await commands.changeGroup(ann, { group: name }))).toBe('not-an-administrator')
      expect(refusal(await commands.deleteGroup(ann, { group: name }))).toBe('not-an-administrator')
      expect(refusal(await commands.createGroup(admin, { name }))).toBe('duplicate-name')
      expect(refusal(await commands.createGroup(admin, { name: '' }))).toBe('invalid')
      expect(refusal(await commands.createGroup(admin, { name: 'no', email: '\u0000' }))).toBe('invalid')
      expect(refusal(await commands.createGroup(admin, { name: 'no', members: ['nobody'] }))).toBe('no-such-principal')
      for (const nobody of ['nobody', '\u0000', EVERYBODY, sip('ann')]) {
        expect(refusal(await commands.changeGroup(admin, { group: nobody }))).toBe('no-such-group')
        expect(refusal(await commands.deleteGroup(admin, { group: nobody }))).toBe('no-such-group')
      }
      // An asterisk is an ordinary name, not a domain.
      expect(must(await commands.createGroup(admin, { name: '*' })).uri).toBe(grp('%2A'))
    })

    it('contains users, domains and groups, and never itself', async () => {
      const inner = await group(sip('ann'), EVERYBODY)
      const middle = await group(inner.uri)
      const outer = await group(middle.uri)
      for (const member of [outer.uri, middle.uri, inner.uri]) {
        const change = { group: inner.name, members: { add: [member] } }
        expect(refusal(await pool.commands.changeGroup(admin, change))).toBe('invalid')
      }
      must(
        await pool.commands.changeGroup(admin, { group: inner.uri, displayName: 'In', members: { set: [sip('bob')] } }),
      )
      const [event] = await pool.changes()
      expect(event).toMatchObject({
        subject: { name: 'In', type: 'group' },
        after: { displayName: 'In', members: [sip('bob')] },
      })
      expect(event!.before['members']).toEqual(expect.arrayContaining([sip('ann'), EVERYBODY]))
    })

    it('that is deleted is removed from every list, each with its event', async () => {
      const { name, uri } = await group(sip('ann'))
      const outer = await group(uri)
      const around = await category({ allowed: [uri, EVERYBODY], creators: [uri] })
      const lists = { members: [uri], managers: [uri], presenters: [uri] }
      const room = must(
        await pool.commands.createRoom(admin, {
          name: `of ${name}`,
          category: around.name,
          type: 'auditorium',
          ...lists,
        }),
      )
      await pool.changes()
      must(await pool.commands.deleteGroup(admin, { group: name }))

      const told = (await pool.changes()).map(({ room: where, subject, action, before }) => [
        where.uri === room.uri,
        subject.uri,
        action,
        before,
      ])
      expect(told).toHaveLength(7)
      expect(told).toEqual(
        expect.arrayContaining([
          [true, room.uri, 'changed', { members: [uri] }],
          [true, room.uri, 'changed', { managers: [uri] }],
          [true, room.uri, 'changed', { presenters: [uri] }],
          [false, around.uri, 'changed', { allowed: [uri] }],
          [false, around.uri, 'changed', { creators: [uri] }],
          [false, outer.uri, 'changed', { members: [uri] }],
          [false, uri, 'deleted', { displayName: name, email: null, members: [sip('ann')] }],
        ]),
      )
      expect((await pool.room(`of ${name}`)).rights).toBe(2)
    })

    it('cannot be deleted while a category denies it, or a group that contains it', async () => {
      const inner = await group(sip('ann'))
      const outer = await group(inner.uri)
      const { name } = await category({ denied: [outer.uri] })
      for (const { name: denied } of [inner, outer]) {
        expect(refusal(await pool.commands.deleteGroup(admin, { group: denied }))).toBe('conflict')
      }
      must(await pool.commands.changeCategory(admin, { category: name, denied: { remove: [outer.uri] } }))
      must(await pool.commands.deleteGroup(admin, { group: inner.name }))
    })
  })
})
