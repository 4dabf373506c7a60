import type { Principal, Room } from '@hansard/pool-store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, openPoolInTest, type PoolInTest } from '../service-in-test.ts'

type Request = Parameters<Client['ask']>[0]
type Criteria = Omit<Extract<Request, { t: 'rooms' }>, 't'>

/**
 * Rooms of the category `Desk`: one of each privacy, and a disabled one. The category allows everybody here but olga;
 * its creator is cleo. mara is the rooms' manager, mike and bob are members, and everybody who may join is in. `Wall`
 * allows olga alone.
 */
const ROOMS = ['closed', 'disabled', 'open', 'secret'] as const
const PEOPLE = ['mara', 'mike', 'bob', 'cleo', 'sam', 'olga', 'adam'] as const
type Name = (typeof PEOPLE)[number]
const uri = (name: string) => `sip:${name}@example.com`

/** What each criterion finds, with `all`, by caller. A caller who is not listed finds nothing by it. */
const FOUND: readonly (readonly [what: string, Criteria, Partial<Record<Name, readonly string[]>>])[] = [
  ['no criterion', {}, seen()],
  [
    'somebody else as a member',
    { member: uri('bob') },
    { mara: ROOMS, bob: ['closed', 'open', 'secret'], adam: ROOMS },
  ],
  ['a group as a member', { member: 'ma-grp:floor@example.com' }, { mara: ROOMS, adam: ROOMS }],
  [
    'oneself as a member, by `mine`',
    { mine: true },
    { mike: ['closed', 'open', 'secret'], bob: ['closed', 'open', 'secret'] },
  ],
  ['somebody else as a manager', { manager: uri('mara') }, { mara: ROOMS, adam: ROOMS }],
  ['oneself as a manager, by `managed`', { managed: true }, { mara: ROOMS }],
  ['a member who is nobody', { member: uri('nobody') }, {}],
  ['a category', { category: 'Desk' }, { mara: ROOMS, cleo: ['closed', 'open'], adam: ROOMS }],
  ['a category behind a wall', { category: 'Wall' }, { adam: ['walled'] }],
  ['a category that is not there', { category: 'Nothing' }, {}],
  ['disabled rooms', { disabled: true }, { mara: ['disabled'], adam: ['disabled'] }],
  ['rooms that are not disabled', { disabled: false }, seen({ without: 'disabled' })],
  ['invitations off', { invitations: 'off' }, { ...each(['closed']), adam: ['closed'] }],
  ['invitations as the category says', { invitations: 'inherit' }, seen({ without: 'closed' })],
  [
    'who is in them',
    { joined: uri('bob') },
    {
      mara: ['open'],
      mike: ['closed', 'open', 'secret'],
      bob: ['closed', 'open', 'secret'],
      cleo: ['open'],
      sam: ['open'],
      adam: ['open'],
    },
  ],
  ['who is in none of them', { joined: uri('adam') }, {}],
  ['a group, which is in no room', { joined: 'ma-grp:floor@example.com' }, {}],
  ['several at once', { mine: true, joined: uri('bob'), privacy: 'secret' }, { mike: ['secret'], bob: ['secret'] }],
]

function each(rooms: readonly string[]): Partial<Record<Name, readonly string[]>> {
  return Object.fromEntries(['mara', 'mike', 'bob', 'cleo', 'sam'].map((name) => [name, rooms]))
}

function seen({ without }: { without?: string } = {}): Partial<Record<Name, readonly string[]>> {
  const but = (rooms: readonly string[]) => rooms.filter((room) => room !== without)
  const member = but(['closed', 'open', 'secret'])
  return {
    ...each(but(['closed', 'open'])),
    ...{ mara: but(ROOMS), mike: member, bob: member, olga: ['walled'], adam: [...but(ROOMS), 'walled'] },
  }
}

describe.each(['sqlite', 'postgres'] as const)('listing rooms on %s', (dialect) => {
  let pool: PoolInTest
  const people = {} as Record<Name, Principal>
  const clients = {} as Record<Name, Client>
  const rooms = {} as Record<string, Room>

  beforeAll(async () => {
    pool = await openPoolInTest(dialect)
    for (const name of PEOPLE) people[name] = await pool.person(name)
    const { knex } = pool.db
    await knex('pool_role').insert({ principal_id: people.adam.id, role: 'administrator' })
    const group = {
      account: 'floor',
      uri: 'ma-grp:floor@example.com',
      display_name: 'floor',
      secret: '',
      created_at: 1,
    }
    const [floor]: { id: number }[] = await knex('principal')
      .insert({ ...group, type: 'group', domain: '' })
      .returning('id')
    await knex('group_member').insert({ group_id: floor!.id, member_id: people.mike.id })
    const inside = PEOPLE.filter((name) => name !== 'olga').map((name) => people[name].id)
    const category = await pool.addCategory('Desk', { allowed: inside })
    await knex('category_scope').insert({ category_id: category, principal_id: people.cleo.id, list: 'creator' })
    const wall = await pool.addCategory('Wall', { allowed: [people.olga.id] })
    // A creator whom the category does not allow may not create rooms in it.
    await knex('category_scope').insert({ category_id: wall, principal_id: people.cleo.id, list: 'creator' })
    rooms['walled'] = await pool.room('walled', 'open', { category: wall })
    for (const name of ROOMS) {
      const room = await pool.room(name, name === 'disabled' ? 'open' : name, { category })
      rooms[name] = room
      await pool.grant(room, people.mara, 'manager')
      await pool.grant(room, people.bob)
      await pool.change(room, (tx) =>
        tx('room_role').insert({ room_id: room.id, principal_id: floor!.id, role: 'member' }),
      )
    }
    await knex('room').where({ name: 'closed' }).update({ invitations: 'off' })
    const { connect } = await pool.start()
    for (const name of PEOPLE) clients[name] = await connect(name)
    for (const name of ROOMS) {
      for (const member of ['mike', 'bob'] as const) {
        expect(await clients[member].ask({ t: 'join', room: rooms[name]!.uri })).toMatchObject({ t: 'joined' })
      }
    }
    await pool.change(rooms['disabled']!, (tx) => tx('room').where({ name: 'disabled' }).update({ disabled: true }))
  })
  afterAll(() => pool?.close())

  const names = async (who: Name, criteria: Criteria) => {
    const reply = await clients[who].ask({ t: 'rooms', ...criteria })
    return reply.t === 'rooms' ? reply.rooms.map(({ name }) => name) : reply
  }

  it.each(FOUND)('shows by %s only what the room itself shows to the caller', async (_, criteria, found) => {
    for (const who of PEOPLE) expect(await names(who, { all: true, ...criteria }), who).toEqual(found[who] ?? [])
  })

  it('agrees with what each room shows: its lists, its category, its roster', async () => {
    let told = 0
    for (const who of PEOPLE) {
      const managers: string[] = []
      const inCategory: string[] = []
      const withBob: string[] = []
      for (const name of [...ROOMS, 'walled']) {
        const room = rooms[name]!.uri
        const shown = await clients[who].ask({ t: 'room', room })
        if (shown.t === 'room' && shown.room.managers?.some((entry) => entry.uri === uri('mara'))) managers.push(name)
        if (shown.t === 'room' && shown.room.category === 'Desk') inCategory.push(name)
        const roster = await clients[who].ask({ t: 'roster', room })
        if (roster.t === 'roster' && roster.participants.some((entry) => entry.uri === uri('bob'))) withBob.push(name)
      }
      expect(await names(who, { all: true, manager: uri('mara') }), who).toEqual(managers)
      expect(await names(who, { all: true, category: 'Desk' }), who).toEqual(inCategory)
      expect(await names(who, { all: true, joined: uri('bob') }), who).toEqual(withBob)
      told += managers.length + inCategory.length + withBob.length
    }
    expect(told).toBeGreaterThan(20)
  })

  it('pages by a hundred by default', async () => {
    const extra = Array.from({ length: 101 }, (_, n) => `many ${String(n).padStart(3, '0')}`)
    for (const name of extra) await pool.room(name, 'open')
    const first = await clients.sam.ask({ t: 'rooms', text: 'many' })
    const next = first.t === 'rooms' ? first.next : null
    const second = await clients.sam.ask({ t: 'rooms', text: 'many', after: next! })

    expect(first).toMatchObject({ rooms: { length: 100 }, next: expect.stringMatching(/^many 099\nma-chan:/) })
    expect(second).toMatchObject({ rooms: [{ name: 'many 100' }], next: null })
  })

  it('finds a whole name with many words and spaces', async () => {
    const name = 'One of  nine words that are all in a Name'
    await pool.room(name, 'open')

    expect(await names('sam', { text: name.toLowerCase(), match: 'exact' })).toEqual([name])
    expect(await names('sam', { text: name })).toMatchObject({ t: 'refused', code: 'invalid' })
    expect(await names('sam', { text: 'nine words', match: 'exact' })).toEqual([])
  })

  it('treats a text with U+0000 as one that matches nothing', async () => {
    for (const criteria of [{ text: '\0' }, { category: '\0' }, { addIn: '\0' }, { joined: '\0' }, { member: '\0' }]) {
      expect(await clients.adam.ask({ t: 'rooms', all: true, ...criteria })).toMatchObject({ t: 'rooms', rooms: [] })
    }
  })
})
