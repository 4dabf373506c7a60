import { indexChats, searchChats } from '@hansard/chat-index'
import type { EventOf } from '@hansard/compliance-event'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ChatSelection } from './chat-commands.ts'
import type { CommandActor } from './context.ts'
import { EVERYBODY, must, NOW, openPlace, type PlaceInTest, type PoolInTest, refusal, sip } from './pool-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('a chat on %s', (dialect) => {
  let place: PlaceInTest
  let pool: PoolInTest
  let admin: CommandActor
  let names = 0
  beforeAll(async () => {
    place = await openPlace(dialect)
    pool = await place.open()
    admin = await pool.addUser('admin', { roles: ['administrator'] })
    for (const account of ['ann', 'bob']) await pool.addUser(account)
  })
  afterAll(async () => {
    await pool?.close()
    await place?.close()
  })

  const make = async (...texts: string[]) => {
    const room = `room ${++names}`
    const { id, uri } = must(
      await pool.commands.createRoom(admin, { name: room, category: 'General', members: [EVERYBODY] }),
    )
    for (const text of texts) await pool.post('ann', room, text)
    return { room, id, uri }
  }
  const edits = async (uri: string) =>
    (await pool.events()).filter(
      (event): event is EventOf<'chat-replaced'> | EventOf<'chat-purged'> =>
        event.room.uri === uri && (event.kind === 'chat-replaced' || event.kind === 'chat-purged'),
    )
  /** What an edit records of the old text, besides the text. */
  const wordsOf = ({ author, postedAt, alert, replacedTitle, replacedBefore }: Awaited<ReturnType<typeof edits>>[0]) =>
    JSON.parse(JSON.stringify({ author, postedAt, alert, replacedTitle, replacedBefore })) as object
  const authorOf = async (account: string) => {
    const { id, uri, name } = await pool.principal(account)
    return { id, uri, name, internal: true }
  }
  const texts = async (id: number) => {
    const rows: { content: string }[] = await pool.db.knex('chat').where({ room_id: id }).orderBy('chat_id')
    return rows.map(({ content }) => JSON.parse(content) as string)
  }

  const titles = async (id: number) => {
    const rows: { title: string | null }[] = await pool.db.knex('chat').where({ room_id: id }).orderBy('chat_id')
    return rows.map(({ title }) => (title === null ? null : (JSON.parse(title) as string)))
  }

  it('that is deleted keeps its row and number; its text is on record and nowhere else', async () => {
    const { room, id, uri } = await make('Sell.', 'Buy.')
    pool.service.told.length = 0
    must(await pool.commands.deleteChat(admin, { room, chat: 1 }))

    const rows = await pool.db.knex('chat').where({ room_id: id }).orderBy('chat_id')
    expect(rows).toMatchObject([
      { chat_id: 1, content: '""', state: 'purged', title: null },
      { chat_id: 2, content: '"Buy."', state: 'kept' },
    ])
    expect(await edits(uri)).toMatchObject([
      { kind: 'chat-purged', chatId: 1, replaced: 'Sell.', principal: { uri: sip('admin') } },
    ])
    // No title, alert or earlier replacement is recorded, because there was none.
    expect((await edits(uri)).map(wordsOf)).toEqual([{ author: await authorOf('ann'), postedAt: NOW }])
    expect(pool.service.told).toEqual([{ t: 'chats-edited', room: id, from: 'service-1/1', edit: 1 }])
    expect(await pool.db.knex('search_again').where({ room_id: id }).select('chat_id')).toEqual([{ chat_id: 1 }])
    expect(refusal(await pool.commands.deleteChat(admin, { room, chat: 1 }))).toBe('no-such-chat')
    expect(refusal(await pool.commands.replaceChat(admin, { room, chat: 1, text: 'x' }))).toBe('no-such-chat')
    for (const chat of [3, 0, -1, 1.5, 2 ** 60]) {
      expect(refusal(await pool.commands.deleteChat(admin, { room, chat }))).toBe('no-such-chat')
    }
  })

  it('that is replaced has the new text, whatever its characters, and the old text is on record', async () => {
    const { room, id, uri } = await make()
    await pool.post('ann', room, 'Frost in the north.')
    must(await pool.commands.replaceChat(admin, { room, chat: 1, text: 'Rain\u0000\ud800' }))
    must(await pool.commands.replaceChat(admin, { room, chat: 1, text: 'Rain\u0000\ud800' }))

    expect(await texts(id)).toEqual(['Rain\u0000\ud800'])
    expect(await pool.db.knex('chat').where({ room_id: id }).first()).toMatchObject({ title: null, state: 'replaced' })
    expect(await edits(uri)).toMatchObject([{ content: 'Rain\u0000\ud800', replaced: 'Frost in the north.' }])
    expect((await edits(uri)).map(wordsOf)).toEqual([{ author: await authorOf('ann'), postedAt: NOW }])
    expect(refusal(await pool.commands.replaceChat(admin, { room, chat: 1, text: '' }))).toBe('invalid')
    const long = 'x'.repeat(262_145)
    expect(refusal(await pool.commands.replaceChat(admin, { room, chat: 1, text: long }))).toBe('invalid')
  })

  it('that is a story stays one when it is replaced, with its title or another; members and the record get it', async () => {
    const { room, id, uri } = await make('Sell.')
    await pool.post('ann', room, 'first body', 'Plan A')
    const replace = (text: string, title?: string, chat = 2) =>
      pool.commands.replaceChat(admin, { room, chat, text, title })
    pool.service.told.length = 0
    must(await replace('second body'))
    must(await replace('second body', 'Plan B\u0000'))
    must(await replace('second body', 'Plan B\u0000'))
    must(await replace('third body'))

    // An edit that changes nothing is not recorded or published.
    const hint = { t: 'chats-edited', room: id, from: 'service-1/1' }
    expect(pool.service.told).toEqual([1, 2, 3].map((edit) => ({ ...hint, edit })))
    expect(await titles(id)).toEqual([null, 'Plan B\u0000'])
    const told = (await edits(uri)).map((event) => {
      if (event.kind !== 'chat-replaced') throw new Error(event.kind)
      const { replacedTitle, replaced, title, content } = event
      return { replacedTitle, replaced, title, content }
    })
    expect(told).toEqual([
      { replacedTitle: 'Plan A', replaced: 'first body', title: 'Plan A', content: 'second body' },
      { replacedTitle: 'Plan A', replaced: 'second body', title: 'Plan B\u0000', content: 'second body' },
      { replacedTitle: 'Plan B\u0000', replaced: 'second body', title: 'Plan B\u0000', content: 'third body' },
    ])
    // A plain chat does not become a story, and an empty title is invalid.
    expect(refusal(await replace('Buy.', 'Trade', 1))).toBe('invalid')
    for (const title of ['', 'x'.repeat(257)]) expect(refusal(await replace('fourth body', title))).toBe('invalid')
    expect(await texts(id)).toEqual(['Sell.', 'third body'])
  })

  it('that is replaced may be as long as a chat, and a story as long as a story', async () => {
    const { room } = await make('Sell.')
    await pool.post('ann', room, 'body', 'Plan A')
    const limits = { chatBytesMax: 10, storyBytesMax: 20 }
    const attempt = async (chat: number, text: string) =>
      refusal(await pool.commands.replaceChat(admin, { room, chat, text, limits }))
    expect([await attempt(1, 'é'.repeat(5)), await attempt(1, `${'é'.repeat(5)}x`)]).toEqual([
      'not refused',
      'too-long',
    ])
    expect([await attempt(2, 'é'.repeat(10)), await attempt(2, 'x'.repeat(21))]).toEqual(['not refused', 'too-long'])
  })

  it('that is replaced is found by its current title or text, and not by the old ones', async () => {
    const { room, id } = await make()
    for (const [text, title] of [
      ['one oldbody', 'oldtitle'],
      ['two oldbody', 'oldtitle'],
      ['three oldbody', 'oldtitle'],
    ])
      await pool.post('ann', room, text!, title)
    await indexChats(pool.db, { atLeast: 1 })
    must(await pool.commands.replaceChat(admin, { room, chat: 1, text: 'newbody' }))
    must(await pool.commands.replaceChat(admin, { room, chat: 2, text: 'newbody', title: 'newtitle' }))
    const filter = { words: 'three' }
    must(await pool.commands.purgeChats(admin, { room, filter, replacement: 'newbody' }))

    const found = async (words: string) => {
      const search = { roomIds: [id], words, match: 'all', caseSensitive: false, order: 'oldest' } as const
      return (await searchChats(pool.db, search)).chats.map(({ chatId }) => chatId)
    }
    const all = async () => [
      await found('oldbody'),
      await found('oldtitle'),
      await found('newbody'),
      await found('newtitle'),
    ]
    const now = [[], [1], [1, 2, 3], [2]]
    expect(await all()).toEqual(now)
    await indexChats(pool.db, { atLeast: 1 })
    expect(await all()).toEqual(now)
  })

  it('is edited by administrators, and by the room’s managers where the pool permits it', async () => {
    const { room } = await make('Sell.', 'Buy.')
    const [ann, bob] = [await pool.principal('ann'), await pool.principal('bob')]
    must(await pool.commands.changeRoles(admin, { room, role: 'manager', change: { add: [sip('bob')] } }))
    const attempt = async (by: CommandActor) => refusal(await pool.commands.deleteChat(by, { room, chat: 99 }))
    const allow = (managersMayEditChats: boolean | null) =>
      pool.commands.changeConfiguration(admin, { identity: 'global', settings: { managersMayEditChats } })
    expect([await attempt(ann), await attempt(bob)]).toEqual(['not-an-administrator', 'not-an-administrator'])
    must(await allow(true))
    expect([await attempt(ann), await attempt(bob)]).toEqual(['not-a-manager', 'no-such-chat'])
    must(await allow(null))
    expect(await attempt(bob)).toBe('not-an-administrator')
    expect(refusal(await pool.commands.purgeChats(bob, { room, filter: { words: 'Sell' } }))).toBe(
      'not-an-administrator',
    )
  })

  it('is deleted when its room is cleared up to a time, in as many steps as needed', async () => {
    const { room, id, uri } = await make()
    for (let n = 1; n <= 1_200; n += 1) {
      if (n === 1_101) pool.clock.advance({ seconds: 1 })
      await pool.post('ann', room, `chat ${n}`)
    }
    const through = NOW + 999
    expect(must(await pool.commands.clearRoom(admin, { room, through, dryRun: true })).count).toBe(1_100)
    expect(await edits(uri)).toEqual([])

    expect(must(await pool.commands.clearRoom(admin, { room, through })).count).toBe(1_100)
    const left = (await texts(id)).filter((text) => text !== '')
    expect([left.length, left[0]]).toEqual([100, 'chat 1101'])
    expect((await edits(uri)).map(({ replaced }) => replaced)).toEqual(
      Array.from({ length: 1_100 }, (_, n) => `chat ${n + 1}`),
    )
    expect(must(await pool.commands.clearRoom(admin, { room, through })).count).toBe(0)
  })

  it('is recorded when edited with the author of the old text, its time, and whether it had been edited', async () => {
    const { room, uri } = await make('Sell.')
    const { id: roomId, rights } = await pool.room(room)
    const alert = { kind: 'chat' as const, roomId, rights, post: 'alert', text: 'Now!', again: false, alert: true }
    await pool.service.record({ ...alert, principal: await pool.principal('bob') })
    must(await pool.commands.changeUser(admin, { user: 'bob', displayName: 'Bob', email: 'bob@mail.example' }))
    pool.clock.advance({ seconds: 60 })
    const postedAt = pool.clock.now() - 60_000
    must(await pool.commands.purgeChats(admin, { room, filter: { from: 0 }, replacement: '(removed)' }))
    must(await pool.commands.clearRoom(admin, { room, through: pool.clock.now() }))

    const ann = { author: await authorOf('ann'), postedAt }
    const bob = {
      author: { ...(await authorOf('bob')), name: 'Bob', email: 'bob@mail.example' },
      postedAt,
      alert: true,
    }
    expect((await edits(uri)).map((event) => [event.kind, event.replaced, wordsOf(event)])).toEqual([
      ['chat-replaced', 'Sell.', ann],
      ['chat-replaced', 'Now!', bob],
      ['chat-purged', '(removed)', { ...ann, replacedBefore: true }],
      ['chat-purged', '(removed)', { ...bob, replacedBefore: true }],
    ])
    must(await pool.commands.changeUser(admin, { user: 'bob', displayName: 'bob', email: null }))
  })

  describe('is selected for a purge', () => {
    const SAID = ['Beans fell', 'beans rose', 'Frost, and beans', 'frost']
    const found = async (filter: ChatSelection) => {
      const { room, id } = await make(...SAID)
      await pool.post('bob', room, 'Rain on frost')
      const dry = must(await pool.commands.purgeChats(admin, { room, filter, dryRun: true })).count
      expect((await texts(id)).filter((text) => text === '')).toEqual([])
      expect(must(await pool.commands.purgeChats(admin, { room, filter })).count).toBe(dry)
      return (await texts(id)).flatMap((text, index) => (text === '' ? [index + 1] : []))
    }

    it('by its words: any, all, or a phrase, case-sensitive on request', async () => {
      expect(await found({ words: 'beans frost', match: 'any' })).toEqual([1, 2, 3, 4, 5])
      expect(await found({ words: 'beans frost', match: 'all' })).toEqual([3])
      expect(await found({ words: 'and beans', match: 'phrase' })).toEqual([3])
      expect(await found({ words: 'Beans', caseSensitive: true })).toEqual([1])
      expect(await found({ words: '...' })).toEqual([])
    })

    it('by its words, though characters that nobody sees stand in them', async () => {
      const { room, id } = await make('sell the mar\u00adgin', 'in\u200bsider', 'in\u2060sider', 'İNSIDER', 'margins')
      const filter = { words: 'margin insider', match: 'any' } as const
      expect(must(await pool.commands.purgeChats(admin, { room, filter })).count).toBe(4)
      expect(await texts(id)).toEqual(['', '', '', '', 'margins'])
    })

    it('by its author and its time, all conditions together', async () => {
      expect(await found({ authors: [sip('bob')] })).toEqual([5])
      expect(await found({ authors: ['ann'], words: 'frost' })).toEqual([3, 4])
      expect(await found({ authors: [] })).toEqual([])
      expect(await found({ from: 0 })).toEqual([1, 2, 3, 4, 5])
      expect(await found({ from: Date.UTC(2100, 0, 1) })).toEqual([])
    })

    it('by a condition: a selection without one, or with an author that cannot post, is refused', async () => {
      const { room, uri } = await make('Sell.')
      const attempt = async (filter: ChatSelection) => refusal(await pool.commands.purgeChats(admin, { room, filter }))
      expect(await attempt({})).toBe('invalid')
      expect(await attempt({ words: 'x '.repeat(100) })).toBe('invalid')
      expect(await attempt({ authors: [EVERYBODY] })).toBe('invalid')
      expect(await attempt({ authors: ['nobody'] })).toBe('no-such-principal')
      expect(await edits(uri)).toEqual([])
    })

    it('and gets another text instead, if one is given', async () => {
      const { room, id, uri } = await make(...SAID)
      const replacement = '(removed)'
      expect(must(await pool.commands.purgeChats(admin, { room, filter: { words: 'frost' }, replacement })).count).toBe(
        2,
      )
      expect(await texts(id)).toEqual(['Beans fell', 'beans rose', replacement, replacement])
      await pool.post('ann', room, 'Frost again', 'Weather')
      pool.service.told.length = 0
      must(await pool.commands.purgeChats(admin, { room, filter: { words: 'weather' }, replacement }))
      // The text replaces the whole story, for present and future participants.
      expect(pool.service.told).toMatchObject([{ t: 'chats-edited', edit: expect.any(Number) }])
      expect([(await texts(id))[4], (await titles(id))[4]]).toEqual([replacement, null])
      expect(await edits(uri)).toMatchObject([{}, {}, { replacedTitle: 'Weather', replaced: 'Frost again' }])
      expect((await edits(uri))[2]).not.toHaveProperty('title')
      const nothing = await pool.commands.purgeChats(admin, { room, filter: { words: 'frost' }, replacement: '' })
      expect(refusal(nothing)).toBe('invalid')
    })
  })
})
