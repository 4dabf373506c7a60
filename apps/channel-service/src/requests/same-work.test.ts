import { ManualClock } from '@hansard/clock'
import { type Database, openDatabase } from '@hansard/sql'
import { ClientMessage } from '@hansard/wire'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, openPoolInTest, type PoolInTest, type Reply } from '../service-in-test.ts'

type Request = Parameters<Client['ask']>[0]
const MISSING = 'ma-chan://example.com/00000000-0000-0000-0000-000000000000'
const filter = { words: 'x', match: 'all', caseSensitive: false } as const

/** Every message that names a room or a category, sent by a user who may not see it. */
const ROOM_MESSAGES: Readonly<Record<string, (room: string) => Request>> = {
  join: (room) => ({ t: 'join', room }),
  part: (room) => ({ t: 'part', room }),
  post: (room) => ({ t: 'post', room, post: 'a post', text: 'x' }),
  'replace-chat': (room) => ({ t: 'replace-chat', room, chat: 1, text: 'x' }),
  'delete-chat': (room) => ({ t: 'delete-chat', room, chat: 1 }),
  history: (room) => ({ t: 'history', room }),
  search: (room) => ({ t: 'search', rooms: [room], filter, order: 'newest' }),
  roster: (room) => ({ t: 'roster', room }),
  room: (room) => ({ t: 'room', room }),
  'change-room': (room) => ({ t: 'change-room', room, topic: 'x' }),
  'change-roles': (room) => ({ t: 'change-roles', room, role: 'member', add: ['bob'], remove: [] }),
  'disable-room': (room) => ({ t: 'disable-room', room }),
  'enable-room': (room) => ({ t: 'enable-room', room }),
  'delete-room': (room) => ({ t: 'delete-room', room }),
  'clear-room': (room) => ({ t: 'clear-room', room, through: 1 }),
  'purge-chats': (room) => ({ t: 'purge-chats', room, filter }),
  eligible: (room) => ({ t: 'eligible', room }),
  follow: (room) => ({ t: 'follow', room }),
  unfollow: (room) => ({ t: 'unfollow', room }),
  'mark-read': (room) => ({ t: 'mark-read', room, chat: 1 }),
  watch: (room) => ({ t: 'watch', room }),
  unwatch: (room) => ({ t: 'unwatch', room }),
  'upload-token': (room) => ({ t: 'upload-token', room, fileName: 'x', size: 1 }),
  'download-token': (room) => ({ t: 'download-token', room, file: 'ma-filelink://x' }),
}
const CATEGORY_MESSAGES: Readonly<Record<string, (category: string, own: string) => Request>> = {
  'create-room': (category) => ({ t: 'create-room', category, name: 'new' }),
  'change-room': (category, own) => ({ t: 'change-room', room: own, category }),
  eligible: (category) => ({ t: 'eligible', category }),
  rooms: (category) => ({ t: 'rooms', all: true, category }),
}

describe.each(['sqlite', 'postgres'] as const)('a room or category without access, on %s', (dialect) => {
  let pool: PoolInTest
  let db: Database
  let bob: Client
  let own: string
  /** a room of bob's, in a category that allows him alone */
  let walledOff: string
  const hidden: Record<string, string> = {}
  beforeAll(async () => {
    pool = await openPoolInTest(dialect)
    const alice = await pool.person('alice')
    const people = await Promise.all(['bob', ...PEOPLE].map((account) => pool.person(account)))
    const walled = await pool.addCategory('Walled', { allowed: [alice.id] })
    await pool.db.knex('room').insert({
      ...{ uri: 'ma-chan://example.com/another', name: 'another', privacy: 'open', type: 'normal' },
      ...{ category_id: walled, created_at: 1 },
    })
    const make = async (name: string, more: { category?: number } = {}) => {
      const room = await pool.room(name, more.category ? 'open' : 'secret', more)
      await pool.grant(room, alice)
      hidden[name] = room.uri
      return room
    }
    await make('secret')
    await make('walled', { category: walled })
    const large = await make('large')
    for (const person of people.slice(1)) await pool.grant(large, person)
    const satIn = [await make('sat in'), await make('walled and sat in', { category: walled })]
    const managed = await pool.room('managed', 'closed')
    await pool.grant(managed, people[0]!, 'manager')
    const desks = await pool.addCategory('Desks', { allowed: [people[0]!.id] })
    await pool.db.knex('category_scope').insert({ category_id: desks, principal_id: people[0]!.id, list: 'creator' })
    await pool.room('in the same category', 'secret', { category: desks })
    const inDesks = await pool.room('managed in Desks', 'closed', { category: desks })
    await pool.grant(inDesks, people[0]!, 'manager')
    walledOff = inDesks.uri
    await addHiddenGroup()
    own = managed.uri

    // On its own database and a clock that stands still: only bob's requests make statements.
    db = openDatabase({ url: pool.url })
    const { connect } = await pool.start({}, { db: dialect === 'sqlite' ? pool.db : db, clock: new ManualClock(1) })
    if (dialect === 'sqlite') {
      await db.close()
      db = pool.db
    }
    const sitter = await connect('alice')
    for (const room of satIn) expect(await sitter.ask({ t: 'join', room: room.uri })).toMatchObject({ t: 'joined' })
    bob = await connect('bob')
    // The service's start is over when the same request costs the same twice.
    for (let last = ''; ; ) {
      const now = JSON.stringify(await workOf({ t: 'room', room: own }))
      if (now === last) break
      last = now
    }
  })
  afterAll(async () => {
    await pool?.close()
    if (dialect === 'postgres') await db?.close()
  })

  const addHiddenGroup = () =>
    pool.db.knex('principal').insert({
      ...{ account: 'ma-grp:Hidden@example.com', uri: 'ma-grp:Hidden@example.com', display_name: 'Hidden' },
      ...{ type: 'group', domain: '', secret: '', created_at: 1 },
    })
  const PEOPLE = Array.from({ length: 20 }, (_, at) => `person-${at}`)
  /** The answer, and the SQL statements that it took, without their values. */
  const workOf = async (request: Request): Promise<{ answer: Omit<Reply, 're'>; statements: string[] }> => {
    const statements: string[] = []
    const note = ({ sql }: { sql: string }) => void statements.push(sql)
    db.knex.on('query', note)
    const { re: _, ...answer } = await bob.ask(request)
    db.knex.off('query', note)
    return { answer, statements }
  }

  it('is tried with every message that can name one, and with no other', () => {
    const naming = (...fields: string[]) =>
      ClientMessage.options
        .filter(({ shape }) => fields.some((field) => field in shape))
        .map(({ shape }) => shape.t.value)
        .sort()
    expect(Object.keys(ROOM_MESSAGES).sort()).toEqual(naming('room', 'rooms'))
    expect(Object.keys(CATEGORY_MESSAGES).sort()).toEqual(naming('category'))
  })

  // Sent twice: after a refused change the service reads its source row once more.
  it.each(Object.keys(ROOM_MESSAGES))('costs %s as many statements as a room that never was', async (t) => {
    const ask = (uri: string) => workOf(ROOM_MESSAGES[t]!(uri))
    await ask(MISSING)
    const missing = await ask(MISSING)
    for (const [name, uri] of Object.entries(hidden)) {
      const { answer, statements } = await ask(uri)
      expect(JSON.stringify(answer).replaceAll(uri, MISSING), name).toBe(JSON.stringify(missing.answer))
      expect(statements, name).toEqual(missing.statements)
    }
    const unasked = ['part', 'post', 'unwatch'].includes(t)
    expect(missing.statements.length > 0, t).toBe(!unasked)
  })

  // Under its name, which change messages take too, a hidden room is as unknown as a name that nothing has.
  it.each(['change-room', 'change-roles', 'disable-room', 'delete-room'])('costs %s as much by name', async (t) => {
    const ask = (name: string) => workOf(ROOM_MESSAGES[t]!(name))
    await ask('not there')
    const missing = await ask('not there')
    expect(missing.answer).toMatchObject({ t: 'refused', code: 'no-such-room' })
    for (const name of Object.keys(hidden)) expect(await ask(name), name).toEqual(missing)
  })

  // `bytes`: the whole frame, in which only the request's id and the URI of a new room differ.
  it.each(['create-room', 'change-room'] as const)('answers %s for a taken name as for a free one', async (t) => {
    const ask = async (name: string) => {
      const request: Request =
        t === 'create-room' ? { t, category: 'Desks', name, privacy: 'secret' } : { t, room: walledOff, name }
      const { answer, statements } = await workOf(request)
      const bytes = JSON.stringify(answer)
        .replaceAll(name, 'NAME')
        .replace(/[0-9a-f]{8}-[0-9a-f-]{27}/, 'NEW')
      return { bytes, statements }
    }
    await ask(`warm ${t}`)
    const free = await ask(`free ${t}`)
    expect(free.bytes).toContain(t === 'create-room' ? 'room-created' : 'done')
    const taken = t === 'create-room' ? ['secret', 'walled', 'in the same category'] : ['large', 'another', 'sat in']
    for (const name of taken) expect(await ask(name), name).toEqual(free)
  })

  it('answers change-roles for who is out of reach as for who is not there', async () => {
    const ask = async (name: string) => {
      const request: Request = { t: 'change-roles', room: walledOff, role: 'member', add: [name], remove: [] }
      const { answer, statements } = await workOf(request)
      return { bytes: JSON.stringify(answer).replaceAll(name, 'NAME'), statements }
    }
    await ask('sip:missing@example.com')
    const missing = await ask('sip:missing@example.com')
    expect(missing.bytes).toContain('not-in-scope')
    for (const name of ['sip:alice@example.com', 'ma-grp:Hidden@example.com', 'ma-grp:*@example.com', 'ma-grp:*@x.y']) {
      expect(await ask(name), name).toEqual(missing)
    }
  })

  it.each(Object.keys(CATEGORY_MESSAGES))('costs %s as many statements as a category that never was', async (t) => {
    const ask = (category: string) => workOf(CATEGORY_MESSAGES[t]!(category, own))
    await ask('Nowhere')
    const missing = await ask('Nowhere')
    const refused = { t: 'refused', code: 'not-a-creator' }
    expect(missing.answer).toMatchObject(t === 'rooms' ? { t: 'rooms', rooms: [] } : refused)
    expect(await ask('Walled')).toEqual(missing)
    expect(missing.statements.length).toBeGreaterThan(1)
  })
})
