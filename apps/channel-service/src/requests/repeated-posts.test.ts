import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Client, openPoolInTest, type PoolInTest } from '../service-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('a post under a used name on %s', (dialect) => {
  let pool: PoolInTest
  let connect: (account?: string) => Promise<Client>
  beforeAll(async () => {
    pool = await openPoolInTest(dialect)
    connect = (await pool.start()).connect
  })
  afterAll(() => pool?.close())

  async function meet(name: string) {
    const [author, reader] = [await pool.person(`${name}-author`), await pool.person(`${name}-reader`)]
    const room = await pool.room(`room of ${name}`, 'closed')
    for (const who of [author, reader]) await pool.grant(room, who)
    const [a, r] = [await connect(author.account), await connect(reader.account)]
    for (const client of [a, r]) await client.ask({ t: 'join', room: room.uri })
    const post = (text: string, more: object = {}, client = a) =>
      client.ask({ t: 'post', room: room.uri, post: 'msg-1', text, ...more })
    return { author, room, a, r, post }
  }

  it('is refused and not recorded when its text differs', async () => {
    const { room, r, post } = await meet('other')

    expect(await post('monday')).toMatchObject({ t: 'posted', chat: 1 })
    expect(await post('tuesday')).toMatchObject({ t: 'refused', code: 'post-name-used' })
    expect(await post('tuesday', { again: true })).toMatchObject({ t: 'refused', code: 'post-name-used' })
    expect(await post('monday', { title: 'a story' })).toMatchObject({ t: 'refused', code: 'post-name-used' })
    expect(await post('monday')).toMatchObject({ t: 'posted', chat: 1 })
    // Each author has its own names.
    expect(await r.post(room, 'tuesday', 'msg-1')).toMatchObject({ t: 'posted', chat: 2 })
    await r.until(() => r.chats().length === 2)
    expect(r.chats().map(([, text]) => text)).toEqual(['monday', 'tuesday'])
  })

  it('is delivered once, and other services hear of it once, however often it is repeated', async () => {
    const { room, r, post } = await meet('once')
    const bus = pool.openBus()
    const told: number[] = []
    await bus.subscribeRoom(room.id, (message) => {
      if (message.t === 'chats') told.push(...message.chats.map((chat) => chat.id))
    })

    expect(await post('monday')).toMatchObject({ t: 'posted', chat: 1 })
    expect(await post('monday', { again: true })).toMatchObject({ t: 'posted', chat: 1 })
    expect(await post('monday')).toMatchObject({ t: 'posted', chat: 1 })
    expect(await post('tuesday', { post: 'msg-2' })).toMatchObject({ t: 'posted', chat: 2 })

    await expect.poll(() => told.at(-1)).toBe(2)
    expect(told).toEqual([1, 2])
    await r.until(() => r.chats().length === 2)
    expect(r.chats().map(([id]) => id)).toEqual([1, 2])
  })

  it('is answered as recorded even if the author may no longer post there', async () => {
    const { author, room, a, post } = await meet('lost')
    const first = await post('monday')
    await pool.revoke(room, author)
    await a.told('room-closed')
    const later = await connect(author.account)
    const asked = (text: string, more: object) => post(text, more, later)

    expect(await asked('monday', { again: true })).toMatchObject({
      t: 'posted',
      chat: 1,
      at: (first as { at: number }).at,
    })
    expect(await asked('tuesday', { again: true })).toMatchObject({ t: 'refused', code: 'post-name-used' })
    expect(await asked('monday', {})).toMatchObject({ t: 'refused', code: 'not-joined' })
    expect(await asked('new', { again: true, post: 'msg-2' })).toMatchObject({ t: 'refused', code: 'not-joined' })
    // Nor is it delivered to anybody else.
    const stranger = await pool.person('lost-stranger')
    const client = await connect(stranger.account)
    expect(await post('monday', { again: true }, client)).toMatchObject({ t: 'refused', code: 'not-joined' })
  })
})
