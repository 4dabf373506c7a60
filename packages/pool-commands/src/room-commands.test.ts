import { loadRoles } from '@hansard/pool-store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import {
  DOMAIN,
  EVERYBODY,
  grp,
  must,
  openPlace,
  type PlaceInTest,
  type PoolInTest,
  refusal,
  sip,
} from './pool-in-test.ts'
import { NO_SUCH_ROOM } from './result.ts'

describe.each(['sqlite', 'postgres'] as const)('a room on %s', (dialect) => {
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
    for (const account of ['bob', 'cat']) await pool.addUser(account)
    await pool.addUser('partner', { domain: 'partner.example' })
    const creators = [sip('ann')]
    must(
      await pool.commands.createCategory(admin, { name: 'Desks', allowed: [EVERYBODY], creators, invitations: true }),
    )
    must(await pool.commands.createCategory(admin, { name: 'Few', allowed: [sip('ann'), sip('bob')] }))
    must(await pool.commands.createGroup(admin, { name: 'traders', members: [sip('bob'), sip('cat')] }))
    await pool.changes()
  })
  afterAll(async () => {
    await pool?.close()
    await place?.close()
  })

  const make = async (more: object = {}, by = admin, category = 'Desks') => {
    const name = `room ${++names}`
    const { id, uri } = must(await pool.commands.createRoom(by, { name, category, ...more }))
    await pool.changes()
    return { name, id, uri }
  }
  const listsOf = async (id: number) => {
    const roles = await loadRoles(pool.db.knex, id)
    const principals: { id: number; uri: string }[] = await pool.db.knex('principal').select('id', 'uri')
    const uris = (ids: ReadonlySet<number>) =>
      principals
        .filter((row) => ids.has(row.id))
        .map((row) => row.uri)
        .sort()
    return { members: uris(roles.members), managers: uris(roles.managers), presenters: uris(roles.presenters) }
  }

  describe('that is created', () => {
    it('is closed and normal, with its creator as manager and member, and is recorded with all that', async () => {
      const made = must(await pool.commands.createRoom(ann, { name: 'Plain', category: 'Desks' }))
      const [event, ...more] = await pool.changes()
      const { uri: category } = await pool.db.knex('category').where({ name: 'Desks' }).first('uri')
      expect(more).toEqual([])
      expect(event).toMatchObject({
        action: 'created',
        principal: { uri: sip('ann') },
        room: { uri: made.uri, name: 'Plain', seq: 1 },
        subject: { type: 'room', uri: made.uri, name: 'Plain' },
        before: {},
      })
      expect(event!.after).toEqual({
        ...{ name: 'Plain', description: '', topic: '', type: 'normal', privacy: 'closed', invitations: 'inherit' },
        ...{ disabled: false, addIn: null, category, managers: [sip('ann')], members: [sip('ann')] },
      })
    })

    it('is not managed by a creator whom its category does not allow', async () => {
      const { id } = await make({ managers: [sip('bob')] }, admin, 'Few')
      expect((await listsOf(id)).managers).toEqual([sip('bob')])
    })

    it('needs a name that no visible room has, and that can be displayed and stored', async () => {
      const { name } = await make()
      const attempt = async (wanted: string) =>
        refusal(await pool.commands.createRoom(admin, { name: wanted, category: 'Desks' }))
      expect(await attempt(name)).toBe('duplicate-name')
      for (const bad of ['', '  ', 'x'.repeat(257), 'a\u0000b', 'line\nbreak', '\ud800', 'ma-chan://x/y'])
        expect(await attempt(bad)).toBe('invalid')
      for (const good of ["'; drop table room; --", '<b>&"\u202e', '%_\\', '💬'.repeat(128)])
        expect(await attempt(good)).toBe('not refused')
    })

    it('requires an administrator or creator, who learns nothing about other categories', async () => {
      const bob = await pool.principal('bob')
      const answers = await Promise.all(
        ['Desks', 'Few', 'Nowhere', 'a\u0000'].map((category) =>
          pool.commands.createRoom(bob, { name: 'No', category }),
        ),
      )
      expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1)
      expect(answers.map(refusal)).toEqual(Array(4).fill('not-a-creator'))
      expect(refusal(await pool.commands.createRoom(admin, { name: 'No', category: 'Nowhere' }))).toBe(
        'no-such-category',
      )
      const known = { name: 'No', category: 'Desks', ifAbsent: true }
      const { name } = await make()
      expect(await pool.commands.createRoom(bob, { ...known, name })).toEqual(
        await pool.commands.createRoom(bob, known),
      )
    })

    it('gains members if it exists already and the option is given', async () => {
      const { name, id } = await make()
      const again = { name, category: 'Nowhere', ifAbsent: true, members: [sip('bob')] }
      expect(must(await pool.commands.createRoom(admin, again))).toMatchObject({ id, created: false })
      expect(await pool.changes()).toMatchObject([{ action: 'changed', before: {}, after: { members: [sip('bob')] } }])
      must(await pool.commands.createRoom(admin, again))
      expect(await pool.changes()).toEqual([])
    })

    it('has an add-in only if that exists, and texts within their limits', async () => {
      const attempt = async (more: object) =>
        refusal(await pool.commands.createRoom(admin, { name: 'No', category: 'Desks', ...more }))
      expect(await attempt({ addIn: 'Nothing' })).toBe('no-such-add-in')
      expect(await attempt({ addIn: '\u0000' })).toBe('no-such-add-in')
      expect(await attempt({ topic: 'x'.repeat(257) })).toBe('invalid')
      expect(await attempt({ description: '\u0000' })).toBe('invalid')
      expect(await pool.changes()).toEqual([])
    })
  })

  describe('that grants roles', () => {
    it('grants them to users, groups and domains, and records the difference', async () => {
      const { name, id } = await make()
      const roles = { members: { add: [grp('traders'), EVERYBODY, 'ann'] }, managers: { remove: [sip('admin')] } }
      must(await pool.commands.changeAllRoles(admin, { room: name, roles }))
      expect((await listsOf(id)).members).toEqual([EVERYBODY, grp('traders'), sip('ann')].sort())
      const [event] = await pool.changes()
      expect(event).toMatchObject({ before: { managers: [sip('admin')] } })
      expect(event!.after).toEqual({ members: [grp('traders'), EVERYBODY, sip('ann')] })

      must(await pool.commands.changeRoles(admin, { room: name, role: 'member', change: { set: [sip('bob')] } }))
      expect((await listsOf(id)).members).toEqual([sip('bob')])
      const both = { add: [sip('cat')], remove: [sip('cat'), sip('bob')] }
      must(await pool.commands.changeRoles(admin, { room: name, role: 'member', change: both }))
      expect((await listsOf(id)).members).toEqual([])
    })

    it('names the principals that the category does not allow, and changes nothing', async () => {
      const { name, id } = await make()
      const change = { add: [sip('bob'), sip('partner', 'partner.example')] }
      const result = await pool.commands.changeRoles(admin, { room: name, role: 'member', change })
      expect(result).toMatchObject({ ok: false, refusal: 'not-in-scope' })
      expect(!result.ok && result.message).toContain('"sip:partner@partner.example"')
      expect(!result.ok && result.message).not.toContain('bob')
      expect((await listsOf(id)).members).toEqual([])
      for (const unknown of ['nobody', sip('nobody'), grp('nobody'), '\u0000', '\ud800']) {
        const answer = await pool.commands.changeRoles(admin, {
          room: name,
          role: 'member',
          change: { add: [unknown] },
        })
        expect(refusal(answer)).toBe('no-such-principal')
      }
      const many = { add: Array.from({ length: 16_001 }, (_, n) => `u${n}`) }
      expect(refusal(await pool.commands.changeRoles(admin, { room: name, role: 'member', change: many }))).toBe(
        'limit-exceeded',
      )
    })

    it('has presenters in an auditorium; in a closed one they must be members, directly or through a group', async () => {
      const normal = await make()
      const present = (room: string, ...add: string[]) =>
        pool.commands.changeRoles(admin, { room, role: 'presenter', change: { add } })
      expect(refusal(await present(normal.name, sip('ann')))).toBe('invalid')
      const { name, id } = await make({ type: 'auditorium', members: [grp('traders'), sip('ann')] })
      expect(refusal(await present(name, sip('admin')))).toBe('presenter-not-a-member')
      must(await present(name, sip('bob'), sip('ann')))
      await pool.changes()

      must(await pool.commands.changeRoles(admin, { room: name, role: 'member', change: { remove: [grp('traders')] } }))
      expect((await listsOf(id)).presenters).toEqual([sip('ann')])
      expect(await pool.changes()).toMatchObject([{ before: { members: [grp('traders')], presenters: [sip('bob')] } }])
    })

    it('loses presenters who are no members when it is closed, and all of them when it becomes a normal room', async () => {
      const { name, id } = await make({ type: 'auditorium', privacy: 'open', members: [sip('ann')] })
      const change = { add: [sip('ann'), sip('bob')] }
      must(await pool.commands.changeRoles(admin, { room: name, role: 'presenter', change }))
      const closed = must(await pool.commands.changeRoom(admin, { room: name, privacy: 'closed' }))
      expect(closed.dropped).toEqual([sip('bob')])
      expect((await listsOf(id)).presenters).toEqual([sip('ann')])
      expect(must(await pool.commands.changeRoom(admin, { room: name, type: 'normal' })).dropped).toEqual([sip('ann')])
    })
  })

  describe('that moves', () => {
    it('drops list entries that the new category does not allow, and reports them', async () => {
      const { name, id } = await make({
        type: 'auditorium',
        members: [sip('ann'), grp('traders')],
        presenters: [sip('bob')],
      })
      const { dropped } = must(await pool.commands.changeRoom(admin, { room: name, category: 'Few' }))
      // Bob is allowed in the new category, but was a member only through a group that is not.
      expect(dropped.toSorted()).toEqual([grp('traders'), sip('admin'), sip('bob')].sort())
      expect(await listsOf(id)).toEqual({ members: [sip('ann')], managers: [], presenters: [] })
      const [event] = await pool.changes()
      expect(event!.before).toMatchObject({
        members: [grp('traders')],
        managers: [sip('admin')],
        presenters: [sip('bob')],
      })
      expect(Object.keys(event!.after)).toEqual(['category'])
    })

    it('is moved by its manager only to categories in which they may create rooms', async () => {
      const { name } = await make({ managers: [sip('bob'), sip('ann')] })
      const bob = await pool.principal('bob')
      const move = (by: CommandActor, category: string) => pool.commands.changeRoom(by, { room: name, category })
      expect(refusal(await move(bob, 'Few'))).toBe('not-a-creator')
      expect(await move(bob, 'Few')).toEqual(await move(bob, 'Nowhere'))
      // Already there: nothing moves.
      expect(refusal(await move(bob, 'Desks'))).toBe('not refused')
      must(await pool.commands.changeCategory(admin, { category: 'General', creators: { add: [sip('ann')] } }))
      must(await move(ann, 'General'))
    })
  })

  it('is renamed, and its old name becomes available', async () => {
    const { name, uri } = await make()
    must(await pool.commands.changeRoom(admin, { room: name, name: `${name} too`, topic: 'x' }))
    expect(await pool.changes()).toMatchObject([
      {
        room: { name: `${name} too` },
        subject: { name: `${name} too` },
        before: { name, topic: '' },
        after: { topic: 'x' },
      },
    ])
    const { name: taken } = await make()
    expect(refusal(await pool.commands.changeRoom(admin, { room: uri, name: taken }))).toBe('duplicate-name')
    must(await pool.commands.createRoom(admin, { name, category: 'Desks' }))
  })

  it('is disabled by its managers and enabled by administrators only, each recorded once', async () => {
    const { name } = await make({ managers: [sip('bob')], members: [sip('cat')] })
    const [bob, cat] = [await pool.principal('bob'), await pool.principal('cat')]
    must(await pool.commands.disableRoom(bob, { room: name }))
    must(await pool.commands.disableRoom(admin, { room: name }))
    expect(await pool.changes()).toMatchObject([{ before: { disabled: false }, after: { disabled: true } }])
    expect(refusal(await pool.commands.enableRoom(bob, { room: name }))).toBe('not-an-administrator')
    expect(refusal(await pool.commands.changeRoom(bob, { room: name, topic: 'x' }))).toBe('room-disabled')
    expect(refusal(await pool.commands.disableRoom(cat, { room: name }))).toBe('room-disabled')
    must(await pool.commands.enableRoom(admin, { room: name }))
    expect(refusal(await pool.commands.disableRoom(cat, { room: name }))).toBe('not-a-manager')
  })

  it('that is deleted cannot be found, its name becomes available, and its chats are kept', async () => {
    const properties = { description: 'Where it is', topic: 'Beans', type: 'auditorium', privacy: 'secret' } as const
    const presenters = [sip('bob')]
    const { name, id, uri } = await make({ ...properties, members: [sip('bob')], managers: [sip('ann')], presenters })
    const [created] = (await pool.events()).filter((event) => event.kind === 'change' && event.room.uri === uri)
    await pool.post('bob', name, 'Sell.')
    expect(refusal(await pool.commands.deleteRoom(ann, { room: name }))).toBe('not-an-administrator')
    must(await pool.commands.deleteRoom(admin, { room: uri }))

    const [deleted, ...others] = await pool.changes()
    expect(others).toEqual([])
    expect(deleted).toMatchObject({ action: 'deleted', room: { uri, name }, after: {} })
    const managers = [sip('admin'), sip('ann')]
    expect(deleted!.before).toEqual({ ...(created?.kind === 'change' && created.after), managers })
    expect(deleted!.before).toMatchObject({ name, ...properties, presenters, disabled: false, addIn: null })
    for (const room of [name, uri])
      expect(refusal(await pool.commands.changeRoom(admin, { room, topic: 'x' }))).toBe('no-such-room')
    expect(await listsOf(id)).toEqual({ members: [], managers: [], presenters: [] })
    expect(await pool.db.knex('chat').where({ room_id: id })).toMatchObject([{ content: '"Sell."', state: 'kept' }])
    must(await pool.commands.createRoom(admin, { name, category: 'Desks' }))
  })

  describe('that gains members', () => {
    const invited = async (id: number) => {
      const rows = await pool.db
        .knex('invitation')
        .join('principal', 'principal.id', 'invitation.principal_id')
        .where({ room_id: id })
        .orderBy('account')
      return rows.map((row: { account: string }) => row.account)
    }

    it('invites them, members of groups and domains too, but not its creator, nor denied or disabled users', async () => {
      must(
        await pool.commands.createCategory(admin, {
          name: 'Lawyers',
          allowed: [EVERYBODY],
          denied: [sip('cat')],
          invitations: true,
        }),
      )
      const { id } = await make({ members: [grp('traders'), sip('admin')] }, admin, 'Lawyers')
      expect(await invited(id)).toEqual(['bob'])
      const all = await make({ members: [EVERYBODY] })
      expect(await invited(all.id)).toEqual(['ann', 'bob', 'cat'])
      expect(pool.service.told).toContainEqual({ t: 'invited', principals: [(await pool.principal('bob')).id] })
    })

    it('invites nobody where the room or its category does not', async () => {
      for (const made of [
        await make({ members: [sip('bob')], invitations: 'off' }),
        await make({ members: [sip('bob')] }, admin, 'Few'),
      ]) {
        expect(await invited(made.id)).toEqual([])
      }
    })
  })

  it('cannot be changed by a disabled or deleted account, whatever the entry point believes', async () => {
    const { name } = await make()
    const gone = await pool.addUser('gone', { roles: ['administrator'] })
    must(await pool.commands.changeUser(admin, { user: 'gone', roles: [] }))
    expect(refusal(await pool.commands.changeRoom(gone, { room: name, topic: 'x' }))).toBe('not-a-manager')
    must(await pool.commands.changeUser(admin, { user: 'gone', disabled: true }))
    const existing = await pool.commands.changeRoom(gone, { room: name, topic: 'x' })
    expect(existing).toEqual(await pool.commands.changeRoom(gone, { room: 'Nowhere', topic: 'x' }))
    expect(refusal(existing)).toBe('not-an-administrator')
  })

  it('that the caller may not see is answered by every command like one that does not exist', async () => {
    const outsider = await pool.addUser('outsider', { domain: 'partner.example' })
    const denied = await pool.addUser('denied')
    must(await pool.commands.createCategory(admin, { name: 'Walled', allowed: [EVERYBODY], denied: [sip('denied')] }))
    const hidden = [
      ...(await Promise.all([
        make({ privacy: 'secret' }),
        make({ privacy: 'open', disabled: true }),
        make({ privacy: 'secret', disabled: true }),
      ])),
    ]
    const walled = [
      await make({ privacy: 'open' }, admin, 'Walled'),
      await make({ members: [EVERYBODY] }, admin, 'Walled'),
    ]
    for (const room of walled) await pool.post('admin', room.name, 'Sell.')
    const { commands } = pool
    type Door = (by: CommandActor, room: string) => Promise<unknown>
    const doors: Record<string, Door> = {
      changeRoom: (by, room) => commands.changeRoom(by, { room, topic: 'x' }),
      move: (by, room) => commands.changeRoom(by, { room, category: 'Few' }),
      changeRoles: (by, room) => commands.changeRoles(by, { room, role: 'member', change: { add: [by.uri] } }),
      unknown: (by, room) => commands.changeRoles(by, { room, role: 'member', change: { add: ['nobody'] } }),
      changeAllRoles: (by, room) => commands.changeAllRoles(by, { room, roles: {} }),
      disableRoom: (by, room) => commands.disableRoom(by, { room }),
      enableRoom: (by, room) => commands.enableRoom(by, { room }),
      deleteRoom: (by, room) => commands.deleteRoom(by, { room }),
      replaceChat: (by, room) => commands.replaceChat(by, { room, chat: 1, text: 'x' }),
      replaceByNothing: (by, room) => commands.replaceChat(by, { room, chat: 1, text: '' }),
      deleteChat: (by, room) => commands.deleteChat(by, { room, chat: 1 }),
      deleteNoChat: (by, room) => commands.deleteChat(by, { room, chat: 99 }),
      clearRoom: (by, room) => commands.clearRoom(by, { room, through: 0, dryRun: true }),
      purgeChats: (by, room) => commands.purgeChats(by, { room, filter: { words: 'x' } }),
      purgeWhoever: (by, room) => commands.purgeChats(by, { room, filter: { authors: ['nobody'] } }),
      purgeAtLength: (by, room) => commands.purgeChats(by, { room, filter: { words: 'x '.repeat(9_000) } }),
    }
    const bob = await pool.principal('bob')
    const situations: [CommandActor, { name: string; uri: string }[]][] = [
      [outsider, [...hidden, ...walled, await make({ privacy: 'open' })]],
      [denied, [...hidden, ...walled]],
      [bob, hidden],
    ]
    const nowhere = `ma-chan://${DOMAIN}/00000000-0000-4000-8000-000000000000`
    for (const [door, enter] of Object.entries(doors)) {
      for (const [by, rooms] of situations) {
        const none = JSON.stringify(await enter(by, nowhere))
        for (const room of ['Nowhere', '\u0000', ...rooms.flatMap(({ name, uri }) => [name, uri])]) {
          expect(`${door}: ${JSON.stringify(await enter(by, room))}`).toBe(`${door}: ${none}`)
        }
        if (door !== 'replaceByNothing') expect(none).toContain(NO_SUCH_ROOM)
      }
    }
  })
})
