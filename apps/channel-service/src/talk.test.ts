import type { Bus } from '@hansard/bus'
import { blankUnlogged, type Room } from '@hansard/pool-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, keyOf, openPoolInTest, type PoolInTest } from './service-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('chat on %s', (dialect) => {
  let pool: PoolInTest
  let bus: Bus
  let room: Room
  let alice: Client
  let start: () => ReturnType<PoolInTest['start']>

  beforeEach(async () => {
    pool = await openPoolInTest(dialect)
    bus = pool.openBus()
    for (const account of ['alice', 'bob', 'carol', 'dave']) await pool.person(account)
    room = await pool.room('desk', 'open')
    start = () => pool.start({}, { bus })
  })
  afterEach(() => pool.close())

  const signIn = async (account: string) => (await start()).connect(account)
  const told = ({ pushed }: Client) =>
    pushed.filter((m) => m.t === 'chat').map(({ text, alert, title, replaced }) => ({ text, alert, title, replaced }))

  it('delivers stories and alerts live, on catching up and in history', async () => {
    const { connect } = await start()
    const [writer, present, late] = await Promise.all(['alice', 'bob', 'carol'].map(connect))
    for (const each of [writer!, present!]) await each.ask({ t: 'join', room: room.uri })
    await writer!.ask({ t: 'post', room: room.uri, post: '1', text: 'plain' })
    await writer!.ask({ t: 'post', room: room.uri, post: '2', text: 'loud', alert: true })
    await writer!.ask({ t: 'post', room: room.uri, post: '3', text: 'x'.repeat(65_536), title: 'Long \ud83d\udc0e' })
    const tooLong = { t: 'post', room: room.uri, post: '4', text: 'x'.repeat(4_097) } as const

    expect(await writer!.ask(tooLong)).toMatchObject({ code: 'too-long' })
    expect(await writer!.ask({ ...tooLong, text: 'x'.repeat(65_537), title: 't' })).toMatchObject({ code: 'too-long' })
    await present!.until(() => present!.chats().length === 3)
    await late!.ask({ t: 'join', room: room.uri, after: 0 })
    await late!.until(() => late!.chats().length === 3)
    const history = await late!.ask({ t: 'history', room: room.uri })

    expect(told(present!)).toEqual([
      { text: 'plain' },
      { text: 'loud', alert: true },
      { text: 'x'.repeat(65_536), title: 'Long \ud83d\udc0e' },
    ])
    expect(told(late!)).toEqual(told(present!))
    expect(history.t === 'history' && history.chats.map(({ alert, title }) => ({ alert, title }))).toEqual([
      {},
      { alert: true },
      { title: 'Long \ud83d\udc0e' },
    ])
  })

  it('sends live chats as short frames to clients that request them', async () => {
    const { connect } = await start()
    const [writer, brief] = await Promise.all(['alice', 'bob'].map(connect))
    await writer!.ask({ t: 'join', room: room.uri })
    await writer!.post(room, 'before')

    const joined = await brief!.ask({ t: 'join', room: room.uri, after: 0, brief: true })
    await brief!.until(() => brief!.chats().length === 1)
    await writer!.ask({ t: 'post', room: room.uri, post: 'x', text: 'live', alert: true })
    await writer!.ask({ t: 'post', room: room.uri, post: 'y', text: 'a story', title: 'Title' })
    await brief!.until(() => brief!.pushed.filter(({ t }) => t === 'c').length === 2)
    await writer!.until(() => writer!.chats().length === 3)

    const { ref } = joined as { ref: number }
    const at = expect.any(Number)
    const said = { t: 'c', r: ref, at, from: 'sip:alice@example.com', name: expect.any(String) }
    expect(brief!.pushed.filter(({ t }) => t === 'chat' || t === 'c')).toEqual([
      { t: 'chat', room: room.uri, chat: 1, at, from: expect.anything(), text: 'before' },
      { ...said, chat: 2, text: 'live', alert: true },
      { ...said, chat: 3, text: 'a story', title: 'Title' },
    ])
    // Nobody who has not asked for it meets a message they do not know.
    expect(writer!.pushed.filter(({ t }) => t === 'c')).toEqual([])
  })

  it('reports in one message which chats are gone, and marks replaced ones', async () => {
    const { connect } = await start()
    const [writer, late] = await Promise.all(['alice', 'bob'].map(connect))
    await writer!.ask({ t: 'join', room: room.uri })
    for (let n = 1; n <= 250; n += 1) await writer!.post(room, `chat ${n}`)
    await pool.db.knex('chat').where('chat_id', '<=', 220).update({ state: 'purged', content: '""' })
    await pool.db.knex('chat').where({ chat_id: 230 }).update({ state: 'replaced', content: '"gone"' })

    await late!.ask({ t: 'join', room: room.uri, after: 0 })
    await late!.until(() => late!.chats().length === 30)
    await writer!.post(room, 'live')
    await late!.until(() => late!.chats().length === 31)
    const history = await late!.ask({ t: 'history', room: room.uri, limit: 500 })
    const forward = await late!.ask({ t: 'history', room: room.uri, after: 100, limit: 12 })

    expect(late!.chats().map(([id]) => id)).toEqual(Array.from({ length: 31 }, (_, n) => n + 221))
    expect(late!.pushed.filter((m) => m.t === 'chats-purged')).toEqual([
      { t: 'chats-purged', room: room.uri, from: 1, through: 220 },
    ])
    expect(late!.pushed.find((m) => m.t === 'chat' && m.chat === 230)).toMatchObject({ text: 'gone', replaced: true })
    expect(history).toMatchObject({ more: false })
    expect(history.t === 'history' && history.chats.map((c) => c.chat)).toEqual(late!.chats().map(([id]) => id))
    expect(forward).toMatchObject({ more: true })
    expect(forward.t === 'history' && forward.chats.map((c) => [c.chat, c.replaced])).toEqual(
      Array.from({ length: 12 }, (_, n) => [n + 221, n === 9 ? true : undefined]),
    )
  })

  it('notifies members on another service of a changed chat, and not before the chat itself', async () => {
    const [one, two] = [await start(), await start()]
    const writer = await one.connect('alice')
    const reader = await two.connect('bob')
    for (const each of [writer, reader]) await each.ask({ t: 'join', room: room.uri })
    await writer.post(room, 'wrong')
    await pool.change(room, async (tx) => {
      await tx('chat').where({ room_id: room.id }).update({ content: '"right"', state: 'replaced', edit: 1 })
      await tx('room').where({ id: room.id }).update({ edits: 1 })
    })
    bus.publish({ t: 'chats-edited', room: room.id, from: 'elsewhere/1', edit: 1 })

    await reader.told('chat-replaced')
    expect(reader.pushed.filter((m) => m.t === 'chat' || m.t === 'chat-replaced')).toMatchObject([
      { t: 'chat', chat: 1 },
      { t: 'chat-replaced', chat: 1, text: 'right' },
    ])
  })

  it('keeps no history where the category has it off, and everything on record', async () => {
    const category = await pool.addCategory('Off the page', { chatHistory: false })
    const unlogged = await pool.room('whisper', 'open', { category })
    const { connect } = await start()
    const [writer, late] = await Promise.all(['alice', 'bob'].map(connect))
    for (const each of [writer!, late!]) await each.ask({ t: 'join', room: unlogged.uri })
    await writer!.post(unlogged, 'said quietly')

    await late!.until(() => late!.chats().length === 1)
    expect(await late!.ask({ t: 'history', room: unlogged.uri })).toMatchObject({ code: 'history-off' })
    await late!.ask({ t: 'part', room: unlogged.uri })
    expect(await blankUnlogged(pool.db, { before: Number.MAX_SAFE_INTEGER, limit: 10 })).toBe(1)
    expect(await blankUnlogged(pool.db, { before: Number.MAX_SAFE_INTEGER, limit: 10 })).toBe(0)
    await late!.ask({ t: 'join', room: unlogged.uri, after: 0 })
    await writer!.post(unlogged, 'later')
    await late!.until(() => late!.chats().length === 2)

    expect(late!.chats().map(([, text]) => text)).toEqual(['said quietly', 'later'])
    expect(await pool.db.knex('chat').select('content')).toEqual([{ content: '""' }, { content: '"later"' }])
    expect((await pool.events()).filter((e) => e.kind === 'chat').map((e) => e.kind === 'chat' && e.content)).toEqual([
      'said quietly',
      'later',
    ])
  })

  it('shows history to a user who may join and has not', async () => {
    alice = await signIn('alice')
    await alice.ask({ t: 'join', room: room.uri })
    await alice.post(room, 'one')
    const bob = await signIn('bob')
    expect(await bob.ask({ t: 'history', room: room.uri })).toMatchObject({ chats: [{ text: 'one' }], more: false })
    expect((await pool.events()).filter((e) => e.kind === 'backchat')).toMatchObject([
      { principal: { name: 'BOB' }, firstChatId: 1, lastChatId: 1 },
    ])
  })

  it('sends join and part notices until there are too many participants, and again when there are far fewer', async () => {
    await pool.db.knex('pool_configuration').insert({ identity: 'global', settings: '{"participantUpdateLimit":3}' })
    const { connect } = await start()
    const [a, b, c, d] = await Promise.all(['alice', 'bob', 'carol', 'dave'].map(connect))
    for (const each of [a!, b!, c!, d!]) await each.ask({ t: 'join', room: room.uri })
    await d!.ask({ t: 'part', room: room.uri })
    await c!.ask({ t: 'part', room: room.uri })
    await a!.told('participants-shown')

    const notices = a!.pushed.filter((m) => m.t.startsWith('participant'))
    expect(notices.map((m) => [m.t, 'participants' in m ? m.participants : undefined])).toEqual([
      ['participant-joined', undefined],
      ['participant-joined', undefined],
      ['participants-hidden', 4],
      ['participants-shown', 2],
    ])
  })

  it('applies a changed configuration at once, and announces it at the next sign-in', async () => {
    const { connect } = await start()
    alice = await connect('alice')
    await alice.ask({ t: 'join', room: room.uri })
    const settings = { chatBytesMax: 10, roomManagementUrl: 'https://rooms.example.com/' }
    await pool.db.knex('pool_configuration').insert({ identity: 'global', settings: JSON.stringify(settings) })
    bus.publish({ t: 'configuration-changed' })

    const client = await connect()
    await expect.poll(async () => (await alice.post(room, 'eleven byte', `p${alice.pushed.length}`)).t).toBe('refused')
    expect(await client.ask({ t: 'sign-in', account: 'bob', password: keyOf('bob') })).toMatchObject({
      limits: { chatBytesMax: 10 },
      roomManagementUrl: 'https://rooms.example.com/',
    })
  })

  it.each(['disabled', 'not enabled by policy'])(
    'closes the sessions of somebody who was %s, after their departures are on record, with or without a bus',
    async (how) => {
      const { connect } = await start()
      const [a, b] = await Promise.all(['alice', 'bob'].map(connect))
      await a!.ask({ t: 'join', room: room.uri })
      await b!.ask({ t: 'join', room: room.uri })
      const bob = await pool.person('bob')
      if (how === 'disabled') {
        await pool.db.knex('principal').where({ id: bob.id }).update({ disabled: true })
        bus.publish({ t: 'principal-changed', principals: [bob.id] })
      } else {
        await pool.db.knex('policy').insert({ id: 7, identity: 'tag:nobody', enabled: false })
        await pool.db.knex('principal').where({ id: bob.id }).update({ policy_id: 7 })
      }

      expect(await b!.closed).toMatchObject({ code: 1008 })
      expect((await pool.events()).filter((e) => e.kind === 'part')).toMatchObject([
        { principal: { name: 'BOB' }, reason: 'removed' },
      ])
      expect(await a!.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
      const again = await (await connect()).ask({ t: 'sign-in', account: 'bob', password: keyOf('bob') })
      expect(again).toMatchObject({ code: how === 'disabled' ? 'wrong-credentials' : 'not-enabled' })
    },
  )

  it('records no chat of a user from the moment in which it is disabled', async () => {
    const { connect } = await start()
    const bob = await connect('bob')
    await bob.ask({ t: 'join', room: room.uri })
    const { id } = await pool.person('bob')
    await pool.change(room, (tx) => tx('principal').where({ id }).update({ disabled: true }))

    expect(await bob.post(room, 'one more thing')).toMatchObject({ t: 'refused', code: 'not-joined' })
    expect((await pool.events()).filter((e) => e.kind === 'chat')).toEqual([])
  })
})
