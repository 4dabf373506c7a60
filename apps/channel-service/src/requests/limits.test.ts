import { once } from 'node:events'
import type { Socket } from 'node:net'
import { PassThrough } from 'node:stream'
import { yieldToEventLoop } from '@hansard/lifecycle'
import type { ClientMessage } from '@hansard/wire'
import { describe, expect, it } from 'vitest'
import { openPoolInTest } from '../service-in-test.ts'
import { type Asker, createRequestsUnderWay } from './limits.ts'

function setup() {
  const requests = createRequestsUnderWay()
  const started: string[] = []
  const ends = new Map<string, () => void>()
  const asker = (id: number) => ({
    principal: { id },
    socket: new PassThrough() as unknown as Socket,
    closing: false,
    closed: false,
  })
  return {
    requests,
    started,
    asker,
    ask: (who: Asker, name: string, { kind = 'mark-read', characters = 100 }: Partial<Asked> = {}) =>
      requests.take(who, {
        kind,
        characters,
        answer() {
          started.push(name)
          return new Promise<void>((resolve) => ends.set(name, resolve))
        },
      }),
    /** Resolves when the requests that this starts have started. */
    async end(name: string) {
      ends.get(name)!()
      await yieldToEventLoop()
    },
  }
}
type Asked = { kind: ClientMessage['t']; characters: number }

describe('concurrent requests', () => {
  it('are at most four per session; the others wait in order', async () => {
    const { ask, asker, started, end } = setup()
    const ann = asker(1)

    for (const name of ['1', '2', '3', '4', '5', '6']) ask(ann, name)

    expect(started).toEqual(['1', '2', '3', '4'])
    await end('3')
    expect(started).toEqual(['1', '2', '3', '4', '5'])
    await end('1')
    expect(started.at(-1)).toBe('6')
  })

  it('are at most five per account, whose sessions alternate; other accounts do not wait', async () => {
    const { ask, asker, started, end } = setup()
    const sessions = [asker(1), asker(1), asker(1)]

    for (const [n, session] of sessions.entries())
      for (const name of ['a', 'b', 'c', 'd', 'e']) ask(session, `${n}${name}`)
    ask(asker(2), 'of somebody else')

    expect(started).toEqual(['0a', '0b', '0c', '0d', '1a', 'of somebody else'])
    for (const name of ['0a', '0b', '0c', '0d']) await end(name)
    expect(started.slice(6)).toEqual(['1b', '2a', '0e', '1c'])
  })

  it('include at most one large one per account, which small ones do not overtake', async () => {
    const { ask, asker, started, end } = setup()
    const [one, two] = [asker(1), asker(1)]

    ask(one, 'roster', { kind: 'roster' })
    ask(one, 'small')
    ask(two, 'rooms', { kind: 'rooms' })
    ask(one, 'after it')

    expect(started).toEqual(['roster', 'small'])
    await end('small')
    expect(started).toEqual(['roster', 'small'])
    await end('roster')
    expect(started).toEqual(['roster', 'small', 'rooms', 'after it'])
  })

  it('do not delay posts, joins, parts and pings', () => {
    const { ask, asker, started } = setup()
    const ann = asker(1)
    for (let n = 0; n < 10; n += 1) ask(ann, 'waits')

    for (const kind of ['post', 'join', 'part', 'ping'] as const) ask(ann, kind, { kind })

    expect(started.slice(4)).toEqual(['post', 'join', 'part', 'ping'])
  })

  it('have a queue of at most a thousand requests or four million characters', () => {
    const { ask, asker } = setup()
    const [ann, bob] = [asker(1), asker(2)]

    const taken = Array.from({ length: 1_010 }, (_, n) => ask(ann, String(n))).filter(Boolean)
    const large = Array.from({ length: 20 }, (_, n) => ask(bob, String(n), { characters: 500_000 })).filter(Boolean)

    expect(taken).toHaveLength(1_004)
    expect(large).toHaveLength(4 + 9)
  })

  it('wait while the client has unread answers', async () => {
    const { ask, asker, started, end } = setup()
    const ann = asker(1)
    const stream = ann.socket as unknown as PassThrough
    ask(ann, 'first', { kind: 'roster' })
    stream.write(Buffer.alloc(512 * 1_024))
    ask(ann, 'second', { kind: 'roster' })
    await end('first')
    expect(started).toEqual(['first'])

    const drained = once(stream, 'drain')
    stream.resume()
    await drained

    expect(started).toEqual(['first', 'second'])
  })

  it('do not start for a session that has ended or is closing, and count until they finish', async () => {
    const { requests, ask, asker, started, end } = setup()
    const [gone, told, back] = [asker(1), asker(2), asker(1)]
    for (const name of ['a', 'b', 'c', 'd', 'e']) ask(gone, name)
    for (const name of ['v', 'w', 'x', 'y', 'z']) ask(told, name)

    requests.ended(gone)
    told.closing = true
    await end('v')
    for (const name of ['again', 'and again']) ask(back, name)
    expect(started).toEqual(['a', 'b', 'c', 'd', 'v', 'w', 'x', 'y', 'again'])

    back.closing = true
    await end('a')
    expect(started.at(-1)).toBe('again')
  })
})

it('a chat is posted while a hundred lists wait, and all of them are answered', async () => {
  const pool = await openPoolInTest('sqlite')
  await pool.person('ann')
  const room = await pool.room('desk', 'open')
  const ann = await (await pool.start()).connect('ann')
  await ann.ask({ t: 'join', room: room.uri })
  const answers: string[] = []

  const asked = Array.from({ length: 100 }, () => ann.ask({ t: 'roster', room: room.uri }))
  const all = [...asked, ann.post(room, 'hello')].map(async (answer) => answers.push((await answer).t))
  await Promise.all(all)

  expect(answers.indexOf('posted')).toBeLessThan(100)
  expect(answers.filter((t) => t === 'roster')).toHaveLength(100)
  await pool.close()
})
