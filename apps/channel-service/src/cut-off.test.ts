import type { Bus } from '@hansard/bus'
import type { Principal, Room } from '@hansard/pool-store'
import { type Database, openDatabase } from '@hansard/sql'
import { type BreakableProxy, startBreakableProxy } from '@hansard/test-servers'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { openPoolInTest, type PoolInTest } from './service-in-test.ts'

describe('a service that is cut off from the database', () => {
  let pool: PoolInTest
  let proxy: BreakableProxy
  let db: Database
  let room: Room
  let bob: Principal
  beforeEach(async () => {
    pool = await openPoolInTest('postgres')
    proxy = await startBreakableProxy(pool.url)
    db = openDatabase({ url: proxy.url })
    const alice = await pool.person('alice')
    bob = await pool.person('bob')
    room = await pool.room('desk', 'closed')
    for (const who of [alice, bob]) await pool.grant(room, who)
  })
  afterEach(async () => {
    proxy.mend()
    await pool.close()
    await db.close()
    await proxy.stop()
  })
  const eventsOf = async (name: string) =>
    (await pool.events())
      .filter((event) => event.principal.name === name)
      .sort((one, other) => one.room.seq - other.room.seq)

  it('delivers nothing once its participants’ departure is on record, and ends when it learns that it is dead', async () => {
    const options = { declareDeadAfterMs: 1_500, heartbeatMs: 200 }
    const one = await pool.start(options)
    const two = await pool.start(options, { db })
    const alice = await one.connect('alice')
    const cutOff = await two.connect('bob')
    for (const each of [alice, cutOff]) await each.ask({ t: 'join', room: room.uri })
    await alice.post(room, 'before')
    await cutOff.until(() => cutOff.chats().length === 1)

    proxy.cut()
    await expect.poll(async () => (await eventsOf('BOB')).map(({ kind }) => kind)).toEqual(['join', 'part'])
    for (let n = 1; n <= 20; n += 1) await alice.post(room, `after ${n}`)
    await alice.until(() => alice.chats().length === 21)
    proxy.mend()

    expect(await cutOff.closed).toMatchObject({ code: 1012 })
    expect(cutOff.chats().map(([, text]) => text)).toEqual(['before'])
  })

  it('records the read of a user who joins again after a join of unknown outcome', async () => {
    const one = await pool.start()
    const two = await pool.start({}, { db })
    const alice = await one.connect('alice')
    await alice.ask({ t: 'join', room: room.uri })
    for (let n = 1; n <= 5; n += 1) await alice.post(room, `chat ${n}`)
    const coming = await two.connect('bob')
    let joining = false
    proxy.onSent = (sent) => {
      joining ||= sent.includes('add-participants')
      return undefined
    }
    // The join commits, but its confirmation is lost.
    proxy.onAnswered = (answer) => (joining && answer.includes('COMMIT') ? 'drop' : undefined)

    expect(await coming.ask({ t: 'join', room: room.uri })).toMatchObject({ t: 'refused', code: 'try-again' })
    proxy.onAnswered = () => undefined
    expect(await coming.ask({ t: 'join', room: room.uri, after: 0 })).toMatchObject({ t: 'joined', last: 5 })
    await coming.until(() => coming.chats().length === 5)

    expect(await eventsOf('BOB')).toMatchObject([{ kind: 'join' }, { kind: 'backchat', firstChatId: 1, lastChatId: 5 }])
  })

  it('records no departure after the join that followed it', async () => {
    const one = await pool.start()
    const two = await pool.start({}, { db })
    const alice = await two.connect('alice')
    const watching = await one.connect('alice')
    const coming = await two.connect('bob')
    for (const each of [alice, watching]) await each.ask({ t: 'join', room: room.uri })

    // The join is on record while its answer is in flight, and bob is removed meanwhile.
    const answer = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    let joining = false
    proxy.onSent = (sent) => {
      joining ||= sent.includes('add-participants')
      return undefined
    }
    proxy.onAnswered = (answered) => {
      if (!joining || !answered.includes('COMMIT')) return undefined
      proxy.onAnswered = () => undefined
      held.resolve()
      return answer.promise
    }
    const first = coming.ask({ t: 'join', room: room.uri })
    await held.promise
    await pool.change(room, async (tx) => {
      await tx('room_role').where({ room_id: room.id, principal_id: bob.id }).delete()
      await tx('room').where({ id: room.id }).update({ topic: 'bob is out' })
    })
    // By then his service has checked all members under the new rights.
    await alice.told('room-changed')
    // Its departure cannot be recorded at the first attempt.
    let breaks = 0
    const breakPart = (sent: string) => {
      if (!sent.includes('drop-participants') || breaks > 0) return undefined
      breaks += 1
      return 'drop' as const
    }
    proxy.onSent = breakPart
    answer.resolve()
    expect(await first).toMatchObject({ t: 'refused' })
    await pool.grant(room, bob)
    let joined = await coming.ask({ t: 'join', room: room.uri })
    for (; joined.t === 'refused'; joined = await coming.ask({ t: 'join', room: room.uri })) {
      expect(['try-again', 'not-a-member', 'already-joined', 'no-such-room']).toContain(joined.code)
      if (joined.code === 'already-joined') break
    }

    const kinds = (await eventsOf('BOB')).map(({ kind }) => kind)
    expect([kinds, breaks]).toEqual([['join', 'part', 'join'], 1])
    const roster = await watching.ask({ t: 'roster', room: room.uri })
    expect(roster).toMatchObject({ participants: expect.arrayContaining([{ uri: bob.uri, name: 'BOB' }]) })
  })

  it('records the departure of a user whose connection closes while the join is being recorded', async () => {
    const { connect } = await pool.start({}, { db })
    const alice = await connect('alice')
    const coming = await connect('bob')
    await alice.ask({ t: 'join', room: room.uri })
    const answer = Promise.withResolvers<void>()
    const held = Promise.withResolvers<void>()
    let joining = false
    proxy.onSent = (sent) => {
      joining ||= sent.includes('add-participants')
      return undefined
    }
    proxy.onAnswered = (answered) => {
      if (!joining || !answered.includes('COMMIT')) return undefined
      proxy.onAnswered = () => undefined
      held.resolve()
      return answer.promise
    }
    void coming.ask({ t: 'join', room: room.uri })
    await held.promise
    coming.ws.terminate()
    await coming.closed
    // By its answer, the service has seen the other connection close.
    for (let n = 1; n <= 3; n += 1) await alice.ask({ t: 'ping' })
    const after = alice.post(room, 'in the batch after the join')
    answer.resolve()

    expect(await after).toMatchObject({ t: 'posted', chat: 1 })
    expect((await eventsOf('BOB')).map(({ kind }) => kind)).toEqual(['join', 'part'])
    expect(await pool.db.knex('participant').select('principal_id')).not.toContainEqual({ principal_id: bob.id })
  })
})

describe.each(['sqlite', 'postgres'] as const)('on a bus that loses messages, on %s', (dialect) => {
  let pool: PoolInTest
  beforeEach(async () => {
    pool = await openPoolInTest(dialect)
  })
  afterEach(() => pool.close())
  const deaf = (lost: string): Bus => {
    const bus = pool.openBus()
    return { ...bus, publish: (message, heard) => (message.t === lost ? undefined : bus.publish(message, heard)) }
  }

  it('a removed user does not see later joins and parts', async () => {
    const people = await Promise.all(['alice', 'bob', 'carol'].map((account) => pool.person(account)))
    const room = await pool.room('desk', 'secret')
    for (const who of people.slice(0, 2)) await pool.grant(room, who)
    const one = await pool.start({}, { bus: deaf('room-changed') })
    const two = await pool.start({}, { bus: deaf('room-changed') })
    const [alice, removed, carol] = [await one.connect('alice'), await one.connect('bob'), await two.connect('carol')]
    for (const each of [alice, removed]) await each.ask({ t: 'join', room: room.uri })

    await pool.revoke(room, people[1]!)
    await pool.grant(room, people[2]!)
    await carol.ask({ t: 'join', room: room.uri })
    await alice.until(() => alice.pushed.some((m) => m.t === 'participant-joined' && m.who.name === 'CAROL'))
    await carol.ask({ t: 'part', room: room.uri })
    await removed.told('room-closed')

    const heard = removed.pushed.filter((m) => m.t.startsWith('participant'))
    expect(heard.map((m) => 'who' in m && m.who.name)).not.toContain('CAROL')
  })

  it('everybody is notified of replaced and purged chats, each once and in order', async () => {
    const boss = await pool.person('boss')
    await pool.person('bob')
    await pool.db.knex('pool_role').insert({ principal_id: boss.id, role: 'administrator' })
    const room = await pool.room('desk', 'open')
    const one = await pool.start({}, { bus: deaf('chats-edited') })
    const two = await pool.start()
    const [writer, reader] = [await one.connect('boss'), await two.connect('bob')]
    for (const each of [writer, reader]) await each.ask({ t: 'join', room: room.uri })
    for (const text of ['one', 'two', 'three']) await writer.post(room, text)
    await reader.until(() => reader.chats().length === 3)

    await writer.ask({ t: 'delete-chat', room: room.uri, chat: 1 })
    await writer.ask({ t: 'replace-chat', room: room.uri, chat: 2, text: 'zwei' })
    await writer.ask({ t: 'replace-chat', room: room.uri, chat: 3, text: 'drei' })

    for (const each of [writer, reader]) {
      await each.until(() => each.pushed.some((m) => m.t === 'chat-replaced' && m.chat === 3))
      expect(each.pushed.filter((m) => ['chat-purged', 'chat-replaced'].includes(m.t))).toEqual([
        { t: 'chat-purged', room: room.uri, chat: 1 },
        { t: 'chat-replaced', room: room.uri, chat: 2, text: 'zwei' },
        { t: 'chat-replaced', room: room.uri, chat: 3, text: 'drei' },
      ])
    }
  })

  it('a former administrator no longer sees hidden rooms', async () => {
    const [eve, bob] = [await pool.person('eve'), await pool.person('bob')]
    await pool.db.knex('pool_role').insert({ principal_id: eve.id, role: 'administrator' })
    const walled = await pool.addCategory('Walled', { allowed: [bob.id] })
    const room = await pool.room('secret merger', 'secret', { category: walled })
    const { connect } = await pool.start()
    const client = await connect('eve')
    expect(await client.ask({ t: 'room', room: room.uri })).toMatchObject({ t: 'room' })
    expect(await client.ask({ t: 'rooms', all: true })).toMatchObject({ rooms: [{ name: 'secret merger' }] })

    await pool.db.knex('pool_role').where({ principal_id: eve.id }).delete()

    expect(await client.ask({ t: 'room', room: room.uri })).toMatchObject({ t: 'refused', code: 'no-such-room' })
    expect(await client.ask({ t: 'rooms', all: true })).toMatchObject({ rooms: [] })
    expect(await client.ask({ t: 'categories' })).toMatchObject({ categories: [] })
  })
})
