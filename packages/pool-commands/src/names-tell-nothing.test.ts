import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import type { Result } from './index.ts'
import { grp, must, openPlace, type PlaceInTest, POOL, type PoolInTest, refusal, sip } from './pool-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('what names tell, on %s', (dialect) => {
  let place: PlaceInTest
  let pool: PoolInTest
  let ann: CommandActor
  let admin: CommandActor
  beforeAll(async () => {
    place = await openPlace(dialect)
    pool = await place.open()
    admin = await pool.addUser('admin', { roles: ['administrator'] })
    ann = await pool.addUser('ann')
    await pool.addUser('bob')
    await pool.addUser('eve', { domain: 'hidden.example' })
    const { commands } = pool
    must(await commands.createGroup(admin, { name: 'Hidden', members: [sip('eve', 'hidden.example')] }))
    const behind = ['ma-grp:*@hidden.example', grp('Hidden')]
    const open = [sip('ann'), sip('bob')]
    must(await commands.createCategory(admin, { name: 'Desks', allowed: open, creators: [sip('ann')] }))
    must(await commands.createCategory(admin, { name: 'Walled', allowed: [...behind, sip('bob')] }))
    must(await commands.createRoom(admin, { name: 'walled', category: 'Walled', privacy: 'open' }))
    must(await commands.createRoom(admin, { name: 'secret', category: 'Desks', privacy: 'secret' }))
    must(await commands.createRoom(admin, { name: 'off', category: 'Desks', privacy: 'open', disabled: true }))
    must(await commands.createRoom(admin, { name: 'seen', category: 'Desks' }))
  })
  afterAll(async () => {
    await pool?.close()
    await place?.close()
  })

  const HIDDEN = ['walled', 'secret', 'off', 'Walled', 'Desks', 'General']
  let made = 0
  const own = async () =>
    must(await pool.commands.createRoom(ann, { name: `own ${++made}`, category: 'Desks', members: [sip('bob')] }))

  /** The answer, and the statements made for it, without their values; a name of the request is masked in the answer. */
  const workOf = async (work: () => Promise<Result<unknown>>, mask: readonly string[]) => {
    const statements: string[] = []
    const note = ({ sql }: { sql: string }) => void statements.push(sql)
    pool.db.knex.on('query', note)
    const answer = JSON.stringify(await work()).replace(/"id":\d+|[0-9a-f]{8}-[0-9a-f-]{27}/g, '…')
    pool.db.knex.off('query', note)
    return { answer: mask.reduce((text, name) => text.replaceAll(name, 'NAME'), answer), statements }
  }

  it('a creator gets the same answer, after the same work, for a name that is free and one that is hidden', async () => {
    const create = (name: string) =>
      workOf(() => pool.commands.createRoom(ann, { name, category: 'Desks', privacy: 'secret' }), [name])
    const free = await create('nobody has this')
    expect(free.answer).toContain('"ok":true')
    for (const name of HIDDEN) expect(await create(name), name).toEqual(free)
    expect(refusal(await pool.commands.createRoom(ann, { name: 'seen', category: 'Desks' }))).toBe('duplicate-name')
    // Now she sees them.
    for (const name of HIDDEN) {
      expect(refusal(await pool.commands.createRoom(ann, { name, category: 'Desks' })), name).toBe('duplicate-name')
    }
    for (const name of HIDDEN) {
      const { uri } = (await pool.db.knex('room').where({ name }).orderBy('id', 'desc').first('uri')) as { uri: string }
      must(await pool.commands.deleteRoom(admin, { room: uri }))
    }
  })

  it.each([true, false])('so does a manager who renames a room (dry run: %s)', async (dryRun) => {
    const rename = async (name: string) => {
      const { uri } = await own()
      return workOf(() => pool.commands.changeRoom(ann, { room: uri, name, dryRun }), [name])
    }
    const free = await rename('nobody has that')
    expect(free.answer).toContain('"ok":true')
    for (const name of HIDDEN) expect(await rename(name), name).toEqual(free)
    const { uri } = await own()
    expect(refusal(await pool.commands.changeRoom(ann, { room: uri, name: 'seen', dryRun }))).toBe('duplicate-name')
  })

  it('an administrator sees every room, and keeps names apart', async () => {
    for (const name of ['walled', 'secret', 'off']) {
      expect(refusal(await pool.commands.createRoom(admin, { name, category: 'General' }))).toBe('duplicate-name')
    }
  })

  it('a name means the rooms in sight, and none when it could mean several', async () => {
    const { uri } = must(await pool.commands.createRoom(ann, { name: 'twice', category: 'Desks' }))
    const bob = await pool.principal('bob')
    must(await pool.commands.changeCategory(admin, { category: 'Walled', creators: { add: [sip('bob')] } }))
    await pool.db.knex('room').where({ uri }).update({ privacy: 'secret' })
    const other = must(await pool.commands.createRoom(bob, { name: 'twice', category: 'Walled' }))

    const set = (by: CommandActor, room: string) => pool.commands.changeRoom(by, { room, topic: 'x' })
    expect(must(await set(ann, 'twice')).uri).toBe(uri)
    expect(must(await set(bob, 'twice')).uri).toBe(other.uri)
    const refused = await set(admin, 'twice')
    expect(refused).toMatchObject({ ok: false, refusal: 'ambiguous-name' })
    for (const part of ['Desks/twice', uri, 'Walled/twice', other.uri, 'CATEGORY/NAME']) {
      expect(JSON.stringify(refused)).toContain(part)
    }
    expect(must(await set(admin, 'Walled/twice')).uri).toBe(other.uri)
    expect(must(await set(admin, uri)).uri).toBe(uri)
    expect(refusal(await set(ann, 'Walled/twice'))).toBe('no-such-room')
    expect(
      refusal(await pool.commands.createRoom(POOL, { name: 'twice', category: 'Desks', ifAbsent: true, members: [] })),
    ).toBe('ambiguous-name')
  })

  const UNKNOWN = [
    'sip:nobody@example.com',
    'nobody',
    'ma-grp:Nothing@example.com',
    'ma-grp:*@nowhere.example',
    '\u0000',
  ]
  const BEHIND = [
    sip('eve', 'hidden.example'),
    'eve',
    grp('Hidden'),
    'ma-grp:*@hidden.example',
    'ma-grp:*@HIDDEN.example',
  ]

  it('a manager gets one answer, after the same work, for who is not there and who is out of reach', async () => {
    const { uri: room } = await own()
    const requests: ((name: string) => Promise<Result<unknown>>)[] = [
      (name) => pool.commands.changeRoles(ann, { room, role: 'member', change: { add: [name] } }),
      (name) => pool.commands.changeRoles(ann, { room, role: 'manager', change: { add: ['bob', name], remove: [] } }),
      // A principal added and removed in one change is not on the list afterwards; that must reveal nothing either.
      (name) => pool.commands.changeRoles(ann, { room, role: 'member', change: { add: [name], remove: BEHIND } }),
      (name) => pool.commands.changeRoom(ann, { room, roles: { members: { set: ['bob', name] } }, dryRun: true }),
      (name) => pool.commands.createRoom(ann, { name: 'never', category: 'Desks', members: [name] }),
    ]
    for (const [at, ask] of requests.entries()) {
      // After a change that was refused the service reads once more where its source stands.
      await ask(UNKNOWN[0]!)
      const shown = (name: string) => `\\"${name}\\"`
      const expected = await workOf(() => ask(UNKNOWN[0]!), [shown(UNKNOWN[0]!)])
      expect(expected.answer, `${at}`).toContain('not-in-scope')
      for (const name of [...UNKNOWN.slice(1, 4), ...BEHIND]) {
        expect(await workOf(() => ask(name), [shown(name)]), `${at} ${name}`).toEqual(expected)
      }
      expect(refusal(await ask('\u0000')), `${at}`).toBe('not-in-scope')
    }
  })

  it('names several of both in the order and spelling they came in', async () => {
    const { uri: room } = await own()
    const add = ['nobody', 'eve', 'bob', 'ma-grp:Nothing@example.com', grp('Hidden')]
    const answer = await pool.commands.changeRoles(ann, { room, role: 'member', change: { add } })
    expect(answer).toMatchObject({ ok: false, refusal: 'not-in-scope' })
    expect((answer as { message: string }).message).toBe(
      `The category allows nobody called "nobody", "eve", "ma-grp:Nothing@example.com", "${grp('Hidden')}".`,
    )
  })

  it('a name to be removed that nobody has is ignored like one that is not on the list', async () => {
    const { uri: room } = await own()
    const remove = (name: string) =>
      workOf(() => pool.commands.changeRoles(ann, { room, role: 'member', change: { remove: [name] } }), [name])
    await remove('nobody')
    const expected = await remove('nobody')
    expect(expected.answer).toContain('"ok":true')
    for (const name of [...UNKNOWN.slice(0, 4), ...BEHIND]) expect(await remove(name), name).toEqual(expected)
    must(await pool.commands.changeRoles(ann, { room, role: 'member', change: { remove: ['nobody', 'bob'] } }))
    const query = pool.db.knex('room_role').join('room', 'room.id', 'room_role.room_id').where({ uri: room })
    // The creator of a closed room is a member of it.
    expect(await query.andWhere({ role: 'member' }).select('principal_id')).toEqual([{ principal_id: ann.id }])
  })

  it('an administrator is told which of both it is', async () => {
    const { uri: room } = await own()
    const add = async (name: string) =>
      refusal(await pool.commands.changeRoles(admin, { room, role: 'member', change: { add: [name] } }))
    expect(await add('nobody')).toBe('no-such-principal')
    expect(await add('eve')).toBe('not-in-scope')
  })
})
