import { once } from 'node:events'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { WebSocket } from 'ws'
import { connect, keyOf, openPoolInTest, type PoolInTest } from '../service-in-test.ts'

describe('connections', () => {
  let pool: PoolInTest
  beforeEach(async () => {
    pool = await openPoolInTest('sqlite')
    for (const name of ['alice', 'bob', 'carol']) await pool.person(name)
  })
  afterEach(() => pool.close())

  const from = async (endpoint: string, localAddress: string) => {
    const ws = new WebSocket(endpoint, { localAddress })
    await once(ws, 'open')
    return { ws, gone: once(ws, 'close') }
  }

  const refusalOf = async (endpoint: string) => {
    const [error] = await once(new WebSocket(endpoint), 'error')
    return (error as Error).message
  }

  it('that never sign in keep nobody out: the oldest of them goes', async () => {
    const { endpoint, service } = await pool.start({ sessionsMax: 20, unsignedPerAddressMax: 20 })
    const strangers = []
    for (let n = 0; n < 5; n += 1) strangers.push(await from(endpoint, '127.0.0.2'))

    const alice = await connect(endpoint, 'alice')

    await strangers[0]!.gone
    expect(service.sessions()).toBe(5)
    // A signed-in session no longer counts against the share, and is not closed to make room.
    await from(endpoint, '127.0.0.2')
    for (let n = 0; n < 10; n += 1) await from(endpoint, '127.0.0.2')
    expect(await alice.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
    expect(service.sessions()).toBe(6)
  })

  it('of one address go before those of others', async () => {
    const { endpoint } = await pool.start({ unsignedMax: 10, unsignedPerAddressMax: 2 })
    const other = await from(endpoint, '127.0.0.3')

    const strangers = []
    for (let n = 0; n < 4; n += 1) strangers.push(await from(endpoint, '127.0.0.2'))

    await Promise.all([strangers[0]!.gone, strangers[1]!.gone])
    expect([other, ...strangers.slice(2)].map(({ ws }) => ws.readyState)).toEqual([1, 1, 1])
  })

  it('that are signing in are waited for, and who comes meanwhile is asked to come again', async () => {
    const { endpoint } = await pool.start({ unsignedMax: 1 })
    const alice = await connect(endpoint)
    const answer = pool.db.knex.transaction(async (tx) => {
      // The sign-in cannot be decided while this holds the database.
      const signingIn = alice.ask({ t: 'sign-in', account: 'alice', password: keyOf('alice') })
      await alice.ask({ t: 'ping' })
      expect(await refusalOf(endpoint)).toContain('503')
      await tx.raw('select 1')
      return { signingIn }
    })

    expect(await (await answer).signingIn).toMatchObject({ t: 'signed-in' })
    await connect(endpoint, 'bob')
  })

  it('are refused with 503 when everybody there has signed in', async () => {
    const { endpoint } = await pool.start({ sessionsMax: 2 })
    const alice = await connect(endpoint, 'alice')
    await connect(endpoint, 'bob')

    expect(await refusalOf(endpoint)).toContain('503')

    expect(await alice.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
  })

  it('of one account have a limit, and those that have ended do not count', async () => {
    const { endpoint } = await pool.start({ sessionsPerAccountMax: 2 })
    const first = await connect(endpoint, 'alice')
    await connect(endpoint, 'alice')
    const third = await connect(endpoint)
    const signIn = () => third.ask({ t: 'sign-in', account: 'alice', password: keyOf('alice') })

    expect(await signIn()).toMatchObject({
      t: 'refused',
      code: 'limit-exceeded',
      message: 'This account has 2 sessions here, which is as many as it may have.',
    })
    await connect(endpoint, 'bob')

    first.ws.close()
    let answer = await signIn()
    while (answer.t === 'refused' && answer.code === 'limit-exceeded') answer = await signIn()
    expect(answer).toMatchObject({ t: 'signed-in' })
  })

  it('of one account are never more than half of all', async () => {
    const { endpoint } = await pool.start({ sessionsMax: 4 })
    for (let n = 0; n < 2; n += 1) await connect(endpoint, 'alice')
    const third = await connect(endpoint)

    const answer = await third.ask({ t: 'sign-in', account: 'alice', password: keyOf('alice') })

    expect(answer).toMatchObject({ t: 'refused', code: 'limit-exceeded' })
    await connect(endpoint, 'bob')
  })
})
