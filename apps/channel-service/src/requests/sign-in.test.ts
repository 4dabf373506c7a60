import { ManualClock, systemClock } from '@hansard/clock'
import { hashPassword, keySecret, newKey } from '@hansard/credentials'
import { silentLog } from '@hansard/log'
import { createSignIn, createSignInRecord, findPrincipal, putSecret, type SignIn } from '@hansard/pool-store'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { keyOf, openPoolInTest, type PoolInTest } from '../service-in-test.ts'

const HOUR = 60 * 60_000
const OLD = 'the password of before'
const NEW = 'the password after it'

describe('a session', () => {
  let pool: PoolInTest
  let clock: ManualClock
  let connect: Awaited<ReturnType<PoolInTest['start']>>['connect']
  let uri: string
  let lookup: SignIn
  beforeAll(async () => {
    pool = await openPoolInTest('sqlite')
    await pool.person('alice')
    await pool.person('bob')
    clock = new ManualClock(systemClock.now())
    uri = (await pool.room('desk', 'open')).uri
    ;({ connect } = await pool.start({}, { clock }))
    const { db, writer, tokenKeys, settings } = pool
    const service = { writer, dialect: db.dialect, service: 'lookup', pool: settings }
    const record = createSignInRecord({ ...service, clock, log: silentLog })
    lookup = createSignIn({ db, clock, tokenKeys, record })
  })
  afterAll(() => pool?.close())

  const tokenOf = async (account: string) => {
    const principal = (await findPrincipal(pool.db, { account }))!
    return (await lookup.issueToken(principal, { remote: '10.0.0.9' })).token
  }
  const signedIn = async (token: string) => {
    const client = await connect()
    expect(await client.ask({ t: 'sign-in', token })).toMatchObject({ t: 'signed-in', expiresIn: 12 * HOUR })
    return client
  }
  const outcomes = async () => {
    // What is only noted is recorded within a second of the service's clock.
    clock.advance({ seconds: 2 })
    return (await pool.db.knex('sign_in_event').orderBy('id')).map(
      ({ outcome, account, detail }: Record<string, string>) => [outcome, account, detail],
    )
  }

  it('ends when its token expires, with its departures on record, and continues when it is renewed', async () => {
    const [forgetful, careful] = [await signedIn(await tokenOf('alice')), await signedIn(await tokenOf('alice'))]
    await forgetful.ask({ t: 'join', room: uri })
    clock.advance({ hours: 11 })
    const token = await tokenOf('alice')
    expect(await careful.ask({ t: 'renew', token: await tokenOf('bob') })).toMatchObject({ code: 'wrong-credentials' })
    expect(await careful.ask({ t: 'renew', token })).toMatchObject({ t: 'renewed', expiresIn: 12 * HOUR })

    clock.advance({ hours: 1, seconds: 2 })

    expect(await forgetful.closed).toMatchObject({ code: 1008, reason: 'this session has expired: sign in again' })
    expect(await careful.ask({ t: 'ping' })).toMatchObject({ t: 'pong' })
    expect((await pool.events()).filter(({ kind }) => kind === 'part')).toHaveLength(1)
    await expect.poll(outcomes).toContainEqual(['session-expired', 'alice', ''])
    careful.ws.close()
  })

  it('is signed out with every connection of its token, and no other', async () => {
    const token = await tokenOf('alice')
    const [one, same, other] = [await signedIn(token), await signedIn(token), await signedIn(await tokenOf('alice'))]

    expect(await one.ask({ t: 'sign-out', everywhere: false })).toMatchObject({ t: 'done' })

    expect(await one.closed).toMatchObject({ code: 1000 })
    expect(await same.closed).toMatchObject({ code: 1008 })
    expect(await (await connect()).ask({ t: 'sign-in', token })).toMatchObject({ code: 'wrong-credentials' })
    expect(await other.ask({ t: 'sign-out', everywhere: true })).toMatchObject({ t: 'done' })
    expect(await (await connect()).ask({ t: 'sign-in', token: await tokenOf('alice') })).toMatchObject({
      t: 'signed-in',
    })
  })

  it('changes its own password, continues, and ends the others', async () => {
    await putSecret(pool.db.knex, { account: 'bob', secret: await hashPassword(OLD) })
    const [mine, other] = [await signedIn(await tokenOf('bob')), await signedIn(await tokenOf('bob'))]
    const change = (password: string, newPassword: string) => mine.ask({ t: 'change-password', password, newPassword })
    expect(await change('a guess', NEW)).toMatchObject({ code: 'wrong-credentials' })
    expect(await change(OLD, 'password1')).toMatchObject({ code: 'invalid' })

    expect(await change(OLD, NEW)).toMatchObject({ t: 'done' })

    expect(await other.closed).toMatchObject({ code: 1008 })
    clock.advance({ seconds: 11 })
    expect(await mine.ask({ t: 'rooms' })).toMatchObject({ t: 'rooms' })
    const again = await connect()
    expect(await again.ask({ t: 'sign-in', account: 'bob', password: OLD })).toMatchObject({
      code: 'wrong-credentials',
    })
    const answer = await again.ask({ t: 'sign-in', account: 'bob', password: NEW })
    expect(answer).toMatchObject({ t: 'signed-in', device: expect.stringMatching(/^[\w-]{43}$/) })
    await expect.poll(outcomes).toContainEqual(['password-changed', 'bob', ''])
    expect(JSON.stringify(await pool.db.knex('sign_in_event'))).not.toContain(NEW)
  })

  it('is recorded when it lacks a right, with the request', async () => {
    await putSecret(pool.db.knex, { account: 'alice', secret: keySecret(keyOf('alice')) })
    const alice = await connect('alice')
    const hidden = 'ma-chan://example.com/none'
    await alice.ask({ t: 'join', room: hidden })
    await (await connect()).ask({ t: 'sign-in', account: 'alice', password: newKey() })

    await expect.poll(outcomes).toContainEqual(['not-allowed', 'alice', `no-such-room: join ${hidden}`])
    expect(await outcomes()).toContainEqual(['wrong-credentials', 'alice', ''])
  })
})
