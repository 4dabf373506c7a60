import type { Bus } from '@hansard/bus'
import type { Principal, Room } from '@hansard/pool-store'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { type Client, openPoolInTest, type PoolInTest } from '../service-in-test.ts'

const GHOST = 'ma-chan://example.com/00000000-0000-0000-0000-000000000000'
const filter = (some: { words?: string[]; authors?: string[]; ego?: boolean }) => {
  return { words: [], authors: [], ego: false, ...some }
}

export const attention = (dialect: 'sqlite' | 'postgres') =>
  describe.each([dialect])('attention on %s', (dialect) => {
    let pool: PoolInTest
    let desk: Room
    let lobby: Room
    let bob: Principal

    beforeEach(async () => {
      pool = await openPoolInTest(dialect)
      const alice = await pool.person('alice')
      bob = await pool.person('bob')
      await pool.person('carol')
      desk = await pool.room('desk', 'secret')
      lobby = await pool.room('lobby', 'open')
      await pool.grant(desk, alice)
      await pool.grant(desk, bob)
    })
    afterEach(() => pool.close())

    const joined = async (client: Client, ...rooms: Room[]) => {
      for (const room of rooms) expect(await client.ask({ t: 'join', room: room.uri })).toMatchObject({ t: 'joined' })
    }
    const news = (client: Client) => client.pushed.filter((m) => m.t === 'new-content').map((m) => [m.room, m.last])
    const matched = (client: Client) => client.pushed.filter((m) => m.t === 'feed-match').map((m) => [m.feed, m.chat])

    it('counts unread chats in followed rooms, and drops a room that moves behind a wall', async () => {
      const one = await pool.start()
      const [alice, watcher] = [await one.connect('alice'), await one.connect('bob')]
      await joined(alice, desk, lobby)
      for (const room of [desk, lobby])
        expect(await watcher.ask({ t: 'follow', room: room.uri })).toMatchObject({ t: 'done' })
      await alice.post(desk, 'one')
      await alice.post(desk, 'two')
      expect(await watcher.ask({ t: 'mark-read', room: desk.uri, chat: 1 })).toMatchObject({ t: 'done' })

      const before = await watcher.ask({ t: 'followed' })
      await pool.revoke(desk, bob)
      const after = await watcher.ask({ t: 'followed' })
      const mark = await watcher.ask({ t: 'mark-read', room: desk.uri, chat: 2 })
      const unfollowed = await watcher.ask({ t: 'unfollow', room: desk.uri })

      expect(before).toMatchObject({
        rooms: [
          { uri: desk.uri, name: 'desk', last: 2, read: 1, unread: 1 },
          { uri: lobby.uri, name: 'lobby', last: 0, read: 0, unread: 0 },
        ],
      })
      expect(after).toMatchObject({ rooms: [{ uri: lobby.uri }] })
      expect(mark).toMatchObject({ t: 'refused', code: 'no-such-room' })
      expect(unfollowed).toMatchObject({ t: 'done' })
    })

    it('answers every request of a user without access as for a room that does not exist', async () => {
      const one = await pool.start({ filesUrl: 'http://files' })
      const carol = await one.connect('carol')
      const alice = await one.connect('alice')
      await joined(alice, desk)
      await alice.post(desk, 'hidden words')
      const search = (rooms?: string[]) =>
        carol.ask({
          t: 'search',
          filter: { words: 'hidden', match: 'all', caseSensitive: false },
          order: 'newest',
          ...(rooms ? { rooms } : {}),
        })
      const asks = (room: string) => [
        carol.ask({ t: 'follow', room }),
        carol.ask({ t: 'mark-read', room, chat: 1 }),
        carol.ask({ t: 'watch', room }),
        carol.ask({ t: 'upload-token', room, fileName: 'a.txt', size: 1 }),
        carol.ask({ t: 'download-token', room, file: '00000000-0000-0000-0000-000000000000' }),
        search([room]),
        search([lobby.uri, room]),
        carol.ask({ t: 'unfollow', room }),
        carol.ask({ t: 'unwatch', room }),
      ]
      const words = async (room: string) => (await Promise.all(asks(room))).map(({ re: _, ...answer }) => answer)

      const real = await words(desk.uri)
      expect(real).toEqual(await words(GHOST))
      expect(real).toEqual(await words('\0'))
      expect(real.slice(0, 6)).toEqual(
        Array.from({ length: 6 }, () => expect.objectContaining({ t: 'refused', code: 'no-such-room' })),
      )
      expect(await search()).toMatchObject({ t: 'found', chats: [], exceeded: false })
      expect(await carol.ask({ t: 'followed' })).toMatchObject({ rooms: [] })
      await carol.ask({ t: 'put-feed', name: 'nosy', filter: filter({ words: ['hidden'] }) })
      expect(await carol.ask({ t: 'open-feed', name: 'nosy' })).toMatchObject({ t: 'found', chats: [] })
      expect(await carol.ask({ t: 'open-feed', name: 'none' })).toMatchObject({ code: 'no-such-feed' })
      await alice.post(desk, 'hidden again')
      await alice.until(() => alice.chats().length === 2)
      await carol.ask({ t: 'ping' })
      expect(carol.pushed).toEqual([])
    })

    it.each([
      ['hears everything', () => false],
      ['loses everything', () => true],
    ])(
      'tells watchers of new content, and nothing any more once they may not read it, on a bus that %s',
      async (_, drops) => {
        const lossy = (bus: Bus): Bus => ({ ...bus, publish: (m) => (drops() ? undefined : bus.publish(m)) })
        const one = await pool.start({}, { bus: lossy(pool.openBus()) })
        const two = await pool.start({}, { bus: lossy(pool.openBus()) })
        const alice = await one.connect('alice')
        const watcher = await two.connect('bob')
        await joined(alice, desk, lobby)
        for (const room of [desk, lobby]) await watcher.ask({ t: 'watch', room: room.uri })

        for (let n = 1; n <= 50; n += 1) void alice.post(desk, `chat ${n}`)
        await watcher.until(() => news(watcher).some(([room, last]) => room === desk.uri && last === 50))
        expect(news(watcher).filter(([room]) => room === desk.uri).length).toBeLessThan(6)
        expect(watcher.chats()).toEqual([])

        await pool.revoke(desk, bob)
        await alice.post(desk, 'after the removal')
        await alice.post(lobby, 'for everybody')
        await watcher.until(() => news(watcher).some(([room, last]) => room === lobby.uri && last === 1))
        await alice.post(desk, 'and one more')
        await alice.post(lobby, 'and one more')
        await watcher.until(() => news(watcher).some(([room, last]) => room === lobby.uri && last === 2))

        expect(news(watcher).filter(([room, last]) => room === desk.uri && Number(last) > 50)).toEqual([])
        expect(await watcher.ask({ t: 'unwatch', room: lobby.uri })).toMatchObject({ t: 'done' })
      },
    )

    it('refuses to watch a room without history', async () => {
      const silent = await pool.room('silent', 'open', {
        category: await pool.addCategory('silent', { chatHistory: false }),
      })
      const one = await pool.start()
      const watcher = await one.connect('bob')

      expect(await watcher.ask({ t: 'watch', room: silent.uri })).toMatchObject({ t: 'refused', code: 'history-off' })
    })

    it('pushes a match after the chat itself, in every session and service of the feed’s owner, and on catching up', async () => {
      const [one, two] = [await pool.start(), await pool.start()]
      const alice = await one.connect('alice')
      const [here, there] = [await one.connect('bob'), await two.connect('bob')]
      for (const client of [alice, here, there]) await joined(client, lobby)
      expect(await here.ask({ t: 'put-feed', name: 'risk', filter: filter({ words: ['red line'] }) })).toMatchObject({
        t: 'done',
      })
      await here.ask({ t: 'put-feed', name: 'me', filter: filter({ ego: true }) })

      await alice.post(lobby, 'Bob has crossed the red line')
      await here.until(() => matched(here).length === 2)
      const kinds = here.pushed.filter((m) => m.t === 'chat' || m.t === 'feed-match').map((m) => m.t)
      for (let n = 1; matched(there).length === 0; n += 1) {
        await alice.post(lobby, `red line ${n}`)
        await there.until(() => there.chats().length > n)
      }
      await here.ask({ t: 'delete-feed', name: 'risk' })
      const late = await two.connect('bob')
      await late.ask({ t: 'join', room: lobby.uri, after: 0 })
      await late.until(() => matched(late).length > 0)

      expect(kinds).toEqual(['chat', 'feed-match', 'feed-match'])
      expect(matched(here).slice(0, 2).sort()).toEqual([
        ['me', 1],
        ['risk', 1],
      ])
      expect(matched(late)).toContainEqual(['me', 1])
      expect(matched(alice)).toEqual([])
      expect(await here.ask({ t: 'delete-feed', name: 'risk' })).toMatchObject({ code: 'no-such-feed' })
      expect(await here.ask({ t: 'put-feed', name: 'x', filter: filter({}) })).toMatchObject({ code: 'invalid' })
      expect(await here.ask({ t: 'feeds' })).toMatchObject({ feeds: [{ name: 'me', filter: filter({ ego: true }) }] })
    })

    it('sends no matches to a user who was removed from the room', async () => {
      const one = await pool.start()
      const [alice, watcher] = [await one.connect('alice'), await one.connect('bob')]
      for (const client of [alice, watcher]) await joined(client, desk, lobby)
      await watcher.ask({ t: 'put-feed', name: 'all of alice', filter: filter({ authors: ['sip:alice@example.com'] }) })
      await alice.post(desk, 'one')
      await watcher.until(() => matched(watcher).length === 1)

      await pool.revoke(desk, bob)
      await alice.post(desk, 'two')
      await watcher.told('room-closed')
      await alice.post(desk, 'three')
      await alice.post(lobby, 'four')
      await watcher.until(() => matched(watcher).length === 2)

      const rooms = watcher.pushed.filter((m) => m.t === 'feed-match').map((m) => [m.room, m.chat])
      expect(rooms).toEqual([
        [desk.uri, 1],
        [lobby.uri, 1],
      ])
      expect(await watcher.ask({ t: 'open-feed', name: 'all of alice' })).toMatchObject({
        chats: [{ room: lobby.uri }],
      })
    })

    it('records a search before it is answered: in rooms with results, in named rooms, or in the pool’s conversation', async () => {
      const one = await pool.start()
      const alice = await one.connect('alice')
      await joined(alice, desk, lobby)
      for (const text of ['the report', 'something else', 'report again']) await alice.post(desk, text)
      await alice.post(lobby, 'no such word')
      const search = (words: string, rooms?: string[]) =>
        alice.ask({
          t: 'search',
          filter: { words, match: 'all', caseSensitive: false },
          order: 'oldest',
          ...(rooms ? { rooms } : {}),
        })

      const found = await search('report')
      await search('absent', [lobby.uri])
      await search('absent')
      await alice.ask({ t: 'put-feed', name: 'f', filter: filter({ words: ['report'] }) })
      const feed = await alice.ask({ t: 'open-feed', name: 'f' })
      const looks = (await pool.events()).filter((event) => event.kind === 'backchat')

      expect(found).toMatchObject({ t: 'found', chats: [{ chat: 1, room: desk.uri, roomName: 'desk' }, { chat: 3 }] })
      expect(feed).toMatchObject({ t: 'found', chats: [{ chat: 3 }, { chat: 1 }] })
      expect(looks.map((e) => [e.room.name, e.firstChatId, e.lastChatId])).toEqual([
        ['desk', 1, 3],
        ['lobby', 0, 0],
        ['test', 0, 0],
        ['desk', 1, 3],
      ])
      expect(looks.map((event) => event.query)).toEqual(['report', 'absent', 'absent', 'report'])
    })

    it('finds nothing in a room that the user was removed from, even if the service missed the hint', async () => {
      const deaf = (bus: Bus): Bus => ({ ...bus, publish: () => {} })
      const one = await pool.start({}, { bus: deaf(pool.openBus()) })
      const [alice, watcher] = [await one.connect('alice'), await one.connect('bob')]
      await joined(alice, desk)
      await joined(watcher, desk)
      await alice.post(desk, 'the report')
      const search = () =>
        watcher.ask({ t: 'search', filter: { words: 'report', match: 'all', caseSensitive: false }, order: 'newest' })
      expect(await search()).toMatchObject({ chats: [{ chat: 1 }] })

      await pool.revoke(desk, bob)

      expect(await search()).toMatchObject({ chats: [] })
    })

    it('pages a search, and bounds the size of a page however long its stories are', async () => {
      const one = await pool.start({ limits: { searchLimit: 100 } })
      const alice = await one.connect('alice')
      await joined(alice, desk)
      for (let n = 0; n < 40; n += 1) {
        const text = `story ${'x'.repeat(60_000)}`
        await alice.ask({ t: 'post', room: desk.uri, post: `s${n}`, text, title: `number ${n}` })
      }
      const page = (after: string | undefined) =>
        alice.ask({
          t: 'search',
          filter: { words: 'story', match: 'all', caseSensitive: false },
          order: 'oldest',
          limit: 100,
          ...(after === undefined ? {} : { after }),
        })
      // A search is refused while so much text is not indexed yet; nothing more is posted, so the refusal stays.
      await expect.poll(async () => (await page(undefined)).t).toBe('found')
      const ids: number[] = []
      for (let after: string | undefined, pages = 0; pages < 100; pages += 1) {
        const reply = await page(after)
        if (reply.t !== 'found') throw new Error(JSON.stringify(reply))
        expect(reply.chats.reduce((sum, chat) => sum + chat.text.length, 0)).toBeLessThanOrEqual(1_024 * 1_024)
        ids.push(...reply.chats.map((chat) => chat.chat))
        if (!reply.exceeded) break
        after = reply.next
      }
      expect(ids).toEqual(Array.from({ length: 40 }, (_, n) => n + 1))
      expect(
        await alice.ask({
          t: 'search',
          filter: { match: 'all', caseSensitive: false },
          order: 'oldest',
          after: 'nonsense',
        }),
      ).toMatchObject({ t: 'refused', code: 'invalid' })
    })

    it('notifies of invitations, and shows none to a room that is closed again', async () => {
      const bus = pool.openBus()
      const one = await pool.start()
      const watcher = await one.connect('bob')
      const invite = (invitationId: number, room: Room) =>
        pool.db.knex('invitation').insert({
          principal_id: bob.id,
          invitation_id: invitationId,
          room_id: room.id,
          inviter_uri: 'sip:alice@example.com',
          inviter_name: 'ALICE',
          created_at: 5,
        })
      await invite(1, desk)
      await invite(2, lobby)
      // Once another subscriber of the bus receives the message, so has the service, which subscribed earlier.
      await bus.subscribePool(() => {})
      bus.publish({ t: 'invited', principals: [bob.id] })
      await watcher.told('invited')

      const both = await watcher.ask({ t: 'invitations', after: 0, limit: 1 })
      await pool.revoke(desk, bob)
      const rest = await watcher.ask({ t: 'invitations', after: 0, limit: 10 })

      expect(both).toMatchObject({
        invitations: [{ invitation: 1, room: desk.uri, roomName: 'desk', from: { name: 'ALICE' }, at: 5 }],
        more: true,
      })
      expect(rest).toMatchObject({ invitations: [{ invitation: 2, room: lobby.uri }], more: false })
    })

    it('stores preferences, and refuses to replace a newer version', async () => {
      const one = await pool.start()
      const alice = await one.connect('alice')
      const put = (version: number, content: string) =>
        alice.ask({ t: 'put-preference', label: 'ui', version, content })

      expect(await alice.ask({ t: 'preference', label: 'ui' })).toMatchObject({ version: 0 })
      expect(await put(0, 'dark')).toMatchObject({ t: 'preference', version: 1 })
      expect(await put(0, 'light')).toMatchObject({ t: 'refused', code: 'conflict' })
      expect(await alice.ask({ t: 'preference', label: 'ui' })).toMatchObject({ version: 1, content: 'dark' })
      expect(await alice.ask({ t: 'preference', label: 'ui', version: 1 })).not.toHaveProperty('content')
      expect(await alice.ask({ t: 'put-preference', label: '\0', version: 0, content: '' })).toMatchObject({
        code: 'invalid',
      })
      expect(await (await one.connect('bob')).ask({ t: 'preference', label: 'ui' })).toMatchObject({ version: 0 })
    })

    it('issues file tokens where files are allowed, and only for existing files', async () => {
      const none = await pool.start()
      const some = await pool.start({ filesUrl: 'http://files' })
      const upload = (client: Client, size: number) =>
        client.ask({ t: 'upload-token', room: desk.uri, fileName: 'plan.txt', size })
      const alice = await some.connect('alice')

      expect(await upload(alice, 5)).toMatchObject({ t: 'refused', code: 'file-upload-off' })
      await pool.change(desk, (tx) => tx('category').update({ file_upload: true }))
      expect(await upload(await none.connect('alice'), 5)).toMatchObject({ code: 'no-file-service' })
      expect(await upload(alice, 20_000 * 1_024 + 1)).toMatchObject({ code: 'too-large' })
      const token = await upload(alice, 20_000 * 1_024)
      expect(token).toMatchObject({ t: 'file-token', fileName: 'plan.txt', url: 'http://files/upload' })

      const { file } = token as { file: string }
      const download = (room: Room, name: string) => alice.ask({ t: 'download-token', room: room.uri, file: name })
      const words = { t: 'refused', code: 'no-such-file', message: 'There is no such file.' }
      for (const name of [file, 'nonsense', GHOST]) expect(await download(desk, name)).toMatchObject(words)
      await pool.db.knex('file').where({ id: file }).update({ state: 'quarantined' })
      expect(await download(desk, file)).toMatchObject(words)
      await pool.db.knex('file').where({ id: file }).update({ state: 'kept' })
      expect(await download(lobby, file)).toMatchObject(words)
      expect(await download(desk, `ma-filelink://example.com/${file}`)).toMatchObject({ t: 'file-token', file })
    })
  })
