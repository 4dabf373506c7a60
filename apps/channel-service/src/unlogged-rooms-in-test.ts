import { ManualClock } from '@hansard/clock'
import { createPoolCommands, poolActor } from '@hansard/pool-commands'
import { findPoolRoom, type Room } from '@hansard/pool-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forgetUnlogged } from './background/forget-unlogged.ts'
import { type Client, openPoolInTest, type PoolInTest } from './service-in-test.ts'

export const unloggedRooms = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('rooms without history on %s', (dialect) => {
    let pool: PoolInTest
    let clock: ManualClock
    let category: number
    let room: Room
    let alice: Client
    let start: (name?: string) => ReturnType<PoolInTest['start']>
    let connect: (account: string) => Promise<Client>

    beforeEach(async () => {
      pool = await openPoolInTest(dialect)
      clock = new ManualClock(Date.now())
      const bus = pool.openBus()
      for (const account of ['alice', 'bob', 'carol']) await pool.person(account)
      category = await pool.addCategory('Off the page', { chatHistory: false })
      room = await pool.room('whisper', 'open', { category })
      start = (name = 'channel-1') => pool.start({ name }, { bus, clock })
      connect = (await start()).connect
      alice = await connect('alice')
      await alice.ask({ t: 'join', room: room.uri })
    })
    afterEach(() => pool.close())

    const join = (client: Client, after?: number) =>
      client.ask({ t: 'join', room: room.uri, ...(after === undefined ? {} : { after }) })
    const enter = async (account: string, after?: number) => {
      const client = await connect(account)
      await join(client, after)
      return client
    }
    const say = async (...texts: string[]) => {
      for (const text of texts) await alice.post(room, text)
    }
    const departures = () => alice.pushed.filter((m) => m.t === 'participant-parted').length
    /** Resolves when `leave` has recorded a departure. */
    const gone = async (leave: () => unknown) => {
      const before = departures()
      await leave()
      await alice.until(() => departures() > before)
    }
    const cut = (client: Client) => gone(() => client.ws.terminate())
    /** Everything sent to a client so far, and which ids were reported as gone. */
    const heard = async (client: Client) => {
      const text = `mark ${alice.pushed.length} ${clock.now()} ${crypto.randomUUID()}`
      await alice.post(room, text, text.slice(-36))
      await client.until(() => client.chats().some(([, said]) => said === text))
      return client.pushed.flatMap((m): (string | [number, number])[] => {
        if (m.t === 'chats-purged') return [[m.from, m.through]]
        return m.t === 'chat' && !m.text.startsWith('mark') ? [m.text] : []
      })
    }
    const looks = async () =>
      (await pool.events()).flatMap((e) =>
        e.kind === 'backchat' ? [[e.principal.name, e.firstChatId, e.lastChatId]] : [],
      )

    it('lets only a participant whose connection broke catch up', async () => {
      await say('before bob')
      const bob = await enter('bob')
      await say('two', 'three')
      await bob.until(() => bob.chats().length === 2)
      await cut(bob)
      await say('four', 'five')

      const back = await enter('bob', 2)
      const carol = await enter('carol', 0)

      expect(await heard(back)).toEqual(['three', 'four', 'five'])
      expect(await heard(carol)).toEqual([[1, 5]])
      expect(await looks()).toEqual([['BOB', 3, 5]])
    })

    it('sends nobody chats from before their join, whatever they claim to have', async () => {
      await say('one', 'two')
      const bob = await enter('bob')
      await say('three')
      await cut(bob)

      const back = await enter('bob', 0)
      await cut(back)
      await say('four')
      const again = await enter('bob', 0)

      expect(await heard(again)).toEqual([[1, 2], 'three', 'four'])
      expect(await looks()).toEqual([
        ['BOB', 3, 3],
        ['BOB', 3, 4],
      ])
    })

    it('lets a user catch up whose old connection is not detected as dead yet, on each device', async () => {
      const laptop = await enter('bob')
      await say('one')
      const phone = await enter('bob')
      await say('two')

      // Both sessions still count as participants.
      const laptopAgain = await enter('bob', 1)
      for (const each of [laptop, phone]) await cut(each)
      await say('three')
      const phoneAgain = await enter('bob', 1)

      expect(await heard(laptopAgain)).toEqual(['two', 'three'])
      expect(await heard(phoneAgain)).toEqual(['two', 'three'])
      expect(await looks()).toEqual([
        ['BOB', 2, 2],
        ['BOB', 2, 3],
      ])
    })

    it('sends a user who left voluntarily no chats posted since', async () => {
      const bob = await enter('bob')
      await gone(() => bob.ask({ t: 'part', room: room.uri }))
      await say('one')
      await join(bob, 0)
      await cut(bob)
      await say('two')
      const back = await enter('bob', 1)
      await back.until(() => back.chats().length === 1)
      await gone(() => back.ask({ t: 'part', room: room.uri }))
      await say('three')
      await join(back, 2)

      expect(await heard(back)).toEqual(['two', [3, 3]])
      expect(await looks()).toEqual([['BOB', 2, 2]])
    })

    it('sends a removed user no chats posted since, even after being allowed again', async () => {
      const bob = await pool.person('bob')
      room = await pool.room('closet', 'closed', { category })
      await pool.grant(room, await pool.person('alice'))
      await pool.grant(room, bob)
      await join(alice)
      const client = await enter('bob')
      await pool.revoke(room, bob)
      await say('without bob')
      await client.told('room-closed')

      expect(await join(client, 0)).toMatchObject({ t: 'refused' })
      await pool.grant(room, bob)
      await join(client, 0)

      expect(await heard(client)).toEqual([[1, 1]])
      expect(await looks()).toEqual([])
    })

    it('lets participants of a dead service catch up, whether or not a survivor has parted them yet', async () => {
      const doomed = await start('doomed')
      for (const account of ['bob', 'carol']) await join(await doomed.connect(account))
      // A successor of that name ends it, as if it had been killed: its participants are orphans.
      await start('doomed')
      await say('one')
      const carol = await enter('carol', 0)
      clock.advance({ seconds: 6 })
      const parted = async () => (await pool.events()).filter((e) => e.kind === 'part').map((e) => e.reason)
      await expect.poll(parted).toEqual(['orphaned', 'orphaned'])
      const bob = await enter('bob', 0)

      expect(await heard(carol)).toEqual(['one'])
      expect(await heard(bob)).toEqual(['one'])
      expect(await looks()).toEqual([
        ['CAROL', 1, 1],
        ['BOB', 1, 1],
      ])
    })

    it('sends no chats to a user who was away for longer than they are kept, and reports them as gone', async () => {
      const bob = await enter('bob')
      await cut(bob)
      await say('one')
      clock.advance({ minutes: 10, seconds: 1 })
      await say('two')

      const back = await enter('bob', 0)

      expect(await heard(back)).toEqual([[1, 2]])
      expect(await looks()).toEqual([])
      await forgetUnlogged({ db: pool.db, clock })
      expect(await pool.db.knex('departure')).toEqual([])
    })

    it('records as a read only the chats that are still there', async () => {
      const bob = await enter('bob')
      await say('one', 'two')
      clock.advance({ minutes: 11 })
      await forgetUnlogged({ db: pool.db, clock })
      await say('three')
      await cut(bob)
      await say('four')

      const back = await enter('bob', 0)

      expect(await heard(back)).toEqual([[1, 2], 'three', 'four'])
      expect(await looks()).toEqual([['BOB', 3, 4]])
    })

    it('keeps departures once history is switched off, and shows none of those chats after it is switched on', async () => {
      room = await pool.room('desk', 'open')
      const commands = createPoolCommands({
        db: pool.db,
        writer: pool.writer,
        bus: pool.openBus(),
        from: 'elsewhere/1',
        domain: 'example.com',
        poolRoomId: (await findPoolRoom(pool.db))!.id,
      })
      const keepHistory = (chatHistory: boolean) =>
        commands.changeCategory(poolActor('example.com'), { category: 'General', chatHistory })
      await join(alice)
      const bob = await enter('bob')
      await say('logged')
      await keepHistory(false)
      await say('quiet')
      await cut(bob)
      await say('missed')

      const back = await enter('bob', 1)
      const carol = await enter('carol', 0)
      expect(await heard(carol)).toEqual([[1, 3]])
      expect(await heard(back)).toEqual(['quiet', 'missed'])
      await keepHistory(true)
      await say('logged again')
      await gone(() => carol.ask({ t: 'part', room: room.uri }))
      const late = await enter('carol', 0)

      expect(await heard(late)).toEqual(['logged', [2, 5], 'logged again'])
    })

    it('lets participants catch up who were there when the room was moved to a category without history', async () => {
      room = await pool.room('moved', 'open')
      const commands = createPoolCommands({
        db: pool.db,
        writer: pool.writer,
        bus: pool.openBus(),
        from: 'elsewhere/1',
        domain: 'example.com',
        poolRoomId: (await findPoolRoom(pool.db))!.id,
      })
      await join(alice)
      const bob = await enter('bob')
      await say('logged')
      const to = { room: 'moved', category: 'Off the page' }
      expect(await commands.changeRoom(poolActor('example.com'), to)).toMatchObject({ ok: true })
      await say('quiet')
      await cut(bob)
      await say('missed')

      const back = await enter('bob', 1)
      const carol = await enter('carol', 0)

      expect(await heard(back)).toEqual(['quiet', 'missed'])
      expect(await heard(carol)).toEqual([[1, 3]])
    })

    it('keeps no departures in rooms with history', async () => {
      room = await pool.room('desk', 'open')
      await join(alice)
      const bob = await enter('bob')
      await cut(bob)
      await say('one')

      expect(await pool.db.knex('departure')).toEqual([])
      expect(await heard(await enter('carol', 0))).toEqual(['one'])
      expect(await looks()).toEqual([['CAROL', 1, 1]])
    })
  })
