import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { CommandActor } from './context.ts'
import { must, openPlace, type PlaceInTest, type PoolInTest, refusal, sip } from './pool-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('the result of a command on %s', (dialect) => {
  let place: PlaceInTest
  let pool: PoolInTest
  let admin: CommandActor
  beforeAll(async () => {
    place = await openPlace(dialect)
    pool = await place.open()
    admin = await pool.addUser('admin', { roles: ['administrator', 'operator'] })
    await pool.addUser('ann')
  })
  afterAll(async () => {
    await pool?.close()
    await place?.close()
  })

  it('names exactly the presenters that were removed with their membership', async () => {
    const [ann, me] = [sip('ann'), sip('admin')]
    const hall = { room: 'hall' }
    const lists = { members: [ann, me], presenters: [ann, me] }
    must(await pool.commands.createRoom(admin, { name: 'hall', category: 'General', type: 'auditorium', ...lists }))

    const { changeRoles } = pool.commands
    const remove = { remove: [ann] }
    expect(must(await changeRoles(admin, { ...hall, role: 'member', change: remove })).dropped).toEqual([ann])
    expect(must(await changeRoles(admin, { ...hall, role: 'presenter', change: { set: [] } })).dropped).toEqual([])
  })

  it('covers one change with one event, and no event for a refused change or a dry run', async () => {
    const events = async () =>
      (await pool.db.knex('outbox').orderBy('seq').select('body'))
        .map(({ body }) => JSON.parse(body))
        .filter(({ kind }) => kind === 'change')
    const [ann, me] = [sip('ann'), sip('admin')]
    must(await pool.commands.createCategory(admin, { name: 'Ann', allowed: [ann] }))
    must(await pool.commands.createRoom(admin, { name: 'whole', category: 'General', members: [me] }))
    const before = await events()
    const change = { room: 'whole', topic: 'new', type: 'auditorium' as const, category: 'Ann' }
    const lists = { members: { add: [ann] }, presenters: { add: [ann] } }

    expect(refusal(await pool.commands.changeRoom(admin, { ...change, roles: { members: { add: [me] } } }))).toBe(
      'not-in-scope',
    )
    const tried = must(await pool.commands.changeRoom(admin, { ...change, roles: lists, dryRun: true }))
    expect(await events()).toEqual(before)
    expect(await pool.db.knex('room').where({ name: 'whole' }).first('topic', 'type')).toEqual({
      topic: '',
      type: 'normal',
    })
    const done = must(await pool.commands.changeRoom(admin, { ...change, roles: lists }))

    expect(done.droppedFrom).toEqual({ members: [me], managers: [me], presenters: [] })
    expect(tried).toEqual(done)
    const told = (await events()).slice(before.length)
    expect(told).toMatchObject([
      {
        before: { topic: '', type: 'normal', members: [me], managers: [me] },
        after: { topic: 'new', type: 'auditorium', members: [ann], presenters: [ann] },
      },
    ])
  })

  it('reports when there are more people than one change invites, and invites none of them', async () => {
    const rows = Array.from({ length: 10_001 }, (_, n) => ({
      ...{ account: `u${n}`, uri: sip(`u${n}`, 'big.example'), display_name: `u${n}`, domain: 'big.example' },
      ...{ type: 'user', secret: '', created_at: 0 },
    }))
    await pool.db.knex.batchInsert('principal', rows, 100)
    const everybody = 'ma-grp:*@big.example'
    const firm = { name: 'Firm', invitations: true, allowed: [everybody, sip('ann')] }
    must(await pool.commands.createCategory(admin, firm))

    const all = must(await pool.commands.createRoom(admin, { name: 'all', category: 'Firm', members: [everybody] }))
    expect(all.tooManyToInvite).toBe(true)
    expect(await pool.db.knex('invitation').where({ room_id: all.id })).toEqual([])

    const few = must(await pool.commands.createRoom(admin, { name: 'few', category: 'Firm', members: [sip('ann')] }))
    expect(few.tooManyToInvite).toBe(false)
    const change = { room: 'few', roles: { members: { add: [everybody] } } }
    expect(must(await pool.commands.changeAllRoles(admin, change)).tooManyToInvite).toBe(true)
    expect(await pool.db.knex('invitation').where({ room_id: few.id })).toHaveLength(1)
  })

  it('is a refusal for an invalid time', async () => {
    must(await pool.commands.createRoom(admin, { name: 'times', category: 'General' }))
    for (const time of [Number.NaN, Number.POSITIVE_INFINITY, 0.5, 2 ** 60]) {
      const answers = [
        await pool.commands.clearRoom(admin, { room: 'times', through: time }),
        await pool.commands.purgeChats(admin, { room: 'times', filter: { from: time } }),
        await pool.commands.purgeChats(admin, { room: 'times', filter: { words: 'x', to: time } }),
      ]
      expect(answers.map(refusal)).toEqual(['invalid', 'invalid', 'invalid'])
    }
  })

  it('is a refusal for an active server with an empty name or one that cannot be displayed', async () => {
    for (const name of ['', ' ', 'a\u0000', 'x'.repeat(257)]) {
      const change = () => ['channel-1', name]
      expect(refusal(await pool.commands.setActiveServers(admin, { pool: 'test', change }))).toBe('invalid')
    }
  })

  it('is published to the other services when the pool’s state changes', async () => {
    pool.service.told.length = 0
    must(await pool.commands.setPoolState(admin, { pool: 'test', state: 'failed-over' }))
    expect(pool.service.told).toEqual([{ t: 'configuration-changed' }])
  })
})
