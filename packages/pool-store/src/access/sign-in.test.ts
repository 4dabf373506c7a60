import { randomUUID, scryptSync } from 'node:crypto'
import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@hansard/clock'
import { keySecret, newKey, TooManySignIns, verifySecret } from '@hansard/credentials'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  createPrincipals,
  createRecordWriter,
  findPrincipal,
  poolSettings,
  type StoredPoolSettings,
  startSource,
} from '../index.ts'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'
import { createSignIn, type SignIn } from './sign-in.ts'
import { createSignInRecord, forgetSignIns, listSignIns } from './sign-in-record.ts'
import { createThrottle } from './throttle.ts'
import { openTokenKeys } from './token-keys.ts'

const NOW = Date.UTC(2026, 0, 2)
const HOUR = 60 * 60_000
const PASSWORD = 'correct horse battery'
const KEY = newKey()

/** A password's secret that is cheap to check: the tests are about how often a check happens, not how much it costs. */
const CHEAP_HASH = scryptSync(PASSWORD, Buffer.from('salt', 'base64url'), 32, { N: 2, r: 1, p: 1 }).toString(
  'base64url',
)
const CHEAP = `scrypt$1$1$1$salt$${CHEAP_HASH}`

describe.each(['sqlite', 'postgres'] as const)('signing in on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let clock: ManualClock
  let directory: string
  let settings: StoredPoolSettings
  let lines: { level: string; fields: Record<string, unknown> }[]
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-sign-in-'))
    store = await openStoreInTest(dialect)
    db = store.db
    settings = await poolSettings(db, { pool: 'test', domain: 'example.com' })
    const person = { domain: 'example.com', now: 1 }
    await createPrincipals(db.knex, [
      { ...person, account: 'alice', displayName: 'Alice', secret: CHEAP },
      { ...person, account: 'robot', displayName: 'Robot', secret: keySecret(KEY) },
    ])
  })
  afterAll(async () => {
    await store?.close()
    await rm(directory, { recursive: true, force: true })
  })
  beforeEach(async () => {
    clock = new ManualClock(NOW)
    lines = []
    for (const table of [
      'sign_in_failure',
      'sign_in_event',
      'known_device',
      'signed_out',
      'signed_in',
      'token_key',
      'outbox',
    ])
      await db.knex(table).delete()
    await rm(join(directory, 'keys.json'), { force: true })
  })

  const note = (level: string) => (fields: object) => void lines.push({ level, fields: fields as never })
  const log = { info: note('info'), warn: note('warn') }
  const keysIn = (file: string) => openTokenKeys({ db, clock, source: { file: join(directory, file) } })
  const recordOf = async (name = 'lookup') => {
    const source = await startSource(db, { name: `${name} ${randomUUID()}`, endpoint: '', now: NOW })
    const writer = createRecordWriter({ db, clock, source, place: { pool: 'test' } })
    return createSignInRecord({ writer, dialect, clock, log, service: name, pool: settings })
  }
  /** One of several services of the pool. */
  const service = async (name = 'lookup'): Promise<SignIn> => {
    const record = await recordOf(name)
    return createSignIn({ db, clock, tokenKeys: await keysIn('keys.json'), record })
  }
  const guess = (on: SignIn, more: { device?: string; remote?: string; account?: string } = {}) =>
    on.withPassword({ account: 'alice', password: 'a wrong guess', remote: '10.0.0.9', ...more })
  /** So many wrong guesses, as they are counted: their passwords are not looked at. */
  const guessed = async (times: number, account: string) => {
    const throttle = createThrottle({ db, clock })
    for (let n = 0; n < times; n += 1) await throttle.begin({ account, remote: '10.0.0.9', device: undefined })
  }
  const right = (on: SignIn, more: { device?: string; remote?: string; purpose?: 'prove' } = {}) =>
    on.withPassword({ account: 'alice', password: PASSWORD, remote: '10.0.0.9', ...more })
  const deviceOf = async (on: SignIn) => {
    const result = await right(on)
    return result.outcome === 'signed-in' ? (await result.rememberDevice())! : expect.fail()
  }

  it('does not lock the owner out on a known device, however many others guess', async () => {
    const lookup = await service()
    const device = await deviceOf(lookup)
    for (let n = 0; n < 6; n += 1) await guess(lookup)

    expect(await guess(lookup)).toMatchObject({ reason: 'too-many-attempts', waitSeconds: 1 })
    expect(await right(lookup)).toMatchObject({ reason: 'too-many-attempts' })
    const again = await right(lookup, { device })
    expect(again).toMatchObject({ outcome: 'signed-in' })
    expect(again.outcome === 'signed-in' && (await again.rememberDevice())).toBeUndefined()
    expect(await right(lookup, { remote: '10.0.0.1' })).toMatchObject({ outcome: 'signed-in' })
  })

  it('counts a guess once, whichever service receives it', async () => {
    const services = [await service('lookup'), await service('admin-1'), await service('channel-1')]
    for (let n = 0; n < 6; n += 1) await guess(services[n % 3]!)

    for (const each of services) expect(await guess(each)).toMatchObject({ reason: 'too-many-attempts' })
  })

  it('counts concurrent guesses', async () => {
    const throttle = createThrottle({ db, clock })
    const attempt = { account: 'alice', remote: '10.0.0.9', device: undefined }

    const begun = await Promise.all(Array.from({ length: 20 }, () => throttle.begin(attempt)))

    expect(begun.filter(({ outcome }) => outcome === 'go')).toHaveLength(6)
  })

  it('does not wait for hours because a guess was made while the clock was ahead', async () => {
    const throttle = createThrottle({ db, clock })
    const attempt = { account: 'alice', remote: '10.0.0.9', device: undefined }
    clock.advance({ hours: 3 })
    for (let n = 0; n < 6; n += 1) await throttle.begin(attempt)
    expect(await throttle.begin(attempt)).toMatchObject({ outcome: 'wait' })

    clock.advance({ hours: -3 })
    expect(await throttle.begin(attempt)).toMatchObject({ outcome: 'go' })
  })

  it('doubles the wait after each further guess, up to a quarter of an hour', async () => {
    const throttle = createThrottle({ db, clock })
    const attempt = { account: 'alice', remote: '10.0.0.9', device: undefined }
    const waits: number[] = []
    for (let n = 0; n < 18; n += 1) {
      await throttle.begin(attempt)
      const then = await throttle.begin(attempt)
      if (then.outcome === 'go') continue
      waits.push(then.waitMs / 1_000)
      clock.advance({ ms: then.waitMs })
    }

    expect(waits.slice(0, 12)).toEqual([1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
  })

  it('bounds the guesses at one account from all origins, and resets after a day', async () => {
    const throttle = createThrottle({ db, clock })
    const from = (n: number) => ({ account: 'alice', remote: `10.0.${n}.1`, device: undefined })
    const outcomes: string[] = []
    for (let n = 0; n < 103; n += 1) outcomes.push((await throttle.begin(from(n))).outcome)
    expect(outcomes.indexOf('wait')).toBe(101)
    expect(await throttle.begin({ ...from(7), device: 'known' })).toMatchObject({ outcome: 'go' })

    clock.advance({ hours: 25 })

    for (let n = 0; n < 50; n += 1) expect(await throttle.begin(from(n))).toMatchObject({ outcome: 'go' })
  })

  it('delays a known device that guesses, up to a minute', async () => {
    const lookup = await service()
    const throttle = createThrottle({ db, clock })
    await deviceOf(lookup)
    const attempt = { account: 'alice', remote: '10.0.0.9', device: 'a hash' }
    let wait = 0
    for (let n = 0; n < 20; n += 1) {
      const begun = await throttle.begin(attempt)
      if (begun.outcome === 'go') continue
      wait = Math.max(wait, begun.waitMs)
      clock.advance({ ms: begun.waitMs })
    }
    expect(wait).toBeGreaterThan(0)
    expect(wait).toBeLessThanOrEqual(60_000)

    await throttle.succeeded(attempt)

    expect(await throttle.begin(attempt)).toMatchObject({ outcome: 'go' })
  })

  it('treats a device of another account as unknown', async () => {
    const lookup = await service()
    const device = await deviceOf(lookup)
    await guessed(6, 'robot')

    expect(await guess(lookup, { account: 'robot', device })).toMatchObject({ reason: 'too-many-attempts' })
    expect(await guess(lookup, { device })).toMatchObject({ reason: 'wrong-credentials' })
  })

  it('treats a missing account like an existing one', async () => {
    const lookup = await service()
    expect(await guess(lookup, { account: 'nobody' })).toMatchObject({ reason: 'wrong-credentials' })
    await guessed(5, 'nobody')

    expect(await guess(lookup, { account: 'nobody' })).toMatchObject({ reason: 'too-many-attempts', waitSeconds: 1 })
    expect(await guess(lookup, { account: 'no\0body' })).toMatchObject({ reason: 'wrong-credentials' })
  })

  it('does not count an attempt whose password was not looked at', async () => {
    const lookup = await service()
    await guessed(5, 'alice')
    const place = { turn: 'after-others', from: '10.0.0.9' } as const
    // Two slow ones are checked, and behind them the queue is full with others of the same sender.
    const busy = Array.from({ length: 258 }, (_, n) => verifySecret('x', n < 2 ? undefined : CHEAP, place))

    await expect(right(lookup)).rejects.toThrow(TooManySignIns)

    expect((await db.knex('sign_in_failure')).map(({ failures, wait_until }) => [failures, wait_until])).toEqual([
      [5, 0],
      [5, 0],
    ])
    await Promise.all(busy)
  })

  it('counts an IPv6 network as one address', async () => {
    const throttle = createThrottle({ db, clock })
    const from = (n: number) => ({ account: 'alice', remote: `2001:db8::${n}`, device: undefined })
    for (let n = 0; n < 6; n += 1) await throttle.begin(from(n + 1))

    expect(await throttle.begin(from(9))).toMatchObject({ outcome: 'wait' })
    expect(await throttle.begin({ ...from(9), remote: '2001:db8:0:1::9' })).toMatchObject({ outcome: 'go' })
  })

  it('has a proof of the password on record, and makes no device known by it', async () => {
    const lookup = await service()

    const proved = await right(lookup, { purpose: 'prove' })

    expect(proved.outcome === 'signed-in' && (await proved.rememberDevice())).toBeUndefined()
    expect(await db.knex('known_device')).toEqual([])
    expect(await listSignIns(db, { limit: 10 })).toMatchObject([{ outcome: 'proved', account: 'alice' }])
  })

  it('signs nobody in of a crowd whose record fails', async () => {
    const record = await recordOf()
    const put = (account: string) => record.put({ outcome: 'signed-in', account })
    await put('first')
    await db.knex.schema.renameTable('sign_in_event', 'away')

    const crowd = ['alice', 'bob', 'carol'].map(async (account, at) => {
      for (let turn = 0; turn < at; turn += 1) await new Promise((resolve) => setImmediate(resolve))
      await put(account)
    })
    const outcomes = (await Promise.allSettled(crowd)).map(({ status }) => status)
    await db.knex.schema.renameTable('away', 'sign_in_event')

    expect(outcomes).toEqual(['rejected', 'rejected', 'rejected'])
    await put('last')
    expect((await listSignIns(db, { limit: 10 })).map(({ account }) => account)).toEqual(['last', 'first'])
  })

  it('never delays a key, and writes only its record', async () => {
    const lookup = await service()
    await guessed(6, 'robot')
    const withKey = (password: string) => lookup.withPassword({ account: 'robot', password, remote: '10.0.0.9' })

    const robot = await withKey(KEY)
    expect(robot.outcome === 'signed-in' && (await robot.rememberDevice())).toBeUndefined()
    for (let n = 0; n < 200; n += 1) expect(await withKey(newKey())).toMatchObject({ reason: 'wrong-credentials' })
    expect(await withKey(KEY)).toMatchObject({ outcome: 'signed-in' })
    expect(await db.knex('sign_in_failure')).toHaveLength(2)
  })

  it('bounds the number of counts and devices', async () => {
    const throttle = createThrottle({ db, clock, bucketsMax: 50 })
    for (let n = 0; n < 10; n += 1) await throttle.begin({ account: 'alice', remote: 'x', device: undefined })
    for (let n = 0; n < 200; n += 1) await throttle.begin({ account: `made up ${n}`, remote: 'x', device: undefined })
    expect((await db.knex('sign_in_failure')).length).toBeLessThanOrEqual(50 + 2 * 100)
    expect(await throttle.begin({ account: 'alice', remote: 'x', device: undefined })).toMatchObject({
      outcome: 'wait',
    })

    const lookup = await service()
    const device = await deviceOf(lookup)
    const rows = await db.knex('known_device')
    const others = Array.from({ length: 30 }, (_, n) => ({ ...rows[0], token_hash: `h${n}`, used_at: NOW + 1 + n }))
    await db.knex('known_device').insert(others)
    clock.advance({ hours: 1 })
    const elsewhere = await right(lookup, { remote: '10.0.0.1' })
    if (elsewhere.outcome === 'signed-in') await elsewhere.rememberDevice()
    expect(await db.knex('known_device')).toHaveLength(20)
    expect(await guess(lookup, { device })).toMatchObject({ outcome: 'refused' })
  })

  it('ends the session of a token, and no other of the account', async () => {
    const [lookup, channel] = [await service(), await service('channel-1')]
    const alice = (await findPrincipal(db, { account: 'alice' }))!
    const from = { remote: '10.0.0.9' }
    const [one, two] = [await lookup.issueToken(alice, from), await lookup.issueToken(alice, from)]
    const holder = (await channel.withToken(one.token))!
    expect(holder).toMatchObject({ principal: { account: 'alice' }, expiresAt: NOW + 12 * HOUR })

    await channel.endSession({ ...holder, remote: '10.0.0.9' })

    expect(await lookup.withToken(one.token)).toBeUndefined()
    expect(await lookup.withToken(two.token)).toBeDefined()
    clock.advance({ hours: 12 })
    expect(await lookup.withToken(two.token)).toBeUndefined()
  })

  describe('the record', () => {
    it('has a sign-in before it is answered, and equal failures within a second as one row', async () => {
      const lookup = await service()
      for (let n = 0; n < 3; n += 1) await guess(lookup)
      await lookup.issueToken((await findPrincipal(db, { account: 'alice' }))!, { remote: '10.0.0.9' })

      const rows = await listSignIns(db, { limit: 10 })

      expect(rows.map(({ outcome, account, count, remote }) => [outcome, account, count, remote])).toEqual([
        ['signed-in', 'alice', 1, '10.0.0.9'],
        ['wrong-credentials', 'alice', 3, '10.0.0.9'],
      ])
      expect(lines.map(({ level, fields }) => [level, fields['outcome']])).toEqual([
        ['warn', 'wrong-credentials'],
        ['info', 'signed-in'],
      ])
    })

    it('stays small whatever is sent, escapes typed names, and keeps nothing that looks like a key', async () => {
      const record = await recordOf()
      for (let n = 0; n < 5_000; n += 1) record.note({ outcome: 'wrong-credentials', account: `made up ${n}` })
      await record.stop()
      const rows = await listSignIns(db, { limit: 1_000 })
      expect(rows).toHaveLength(101)
      expect(rows.reduce((sum, { count }) => sum + count, 0)).toBe(5_000)

      await db.knex('sign_in_event').delete()
      for (const account of [KEY, `\u001b[2J${'x'.repeat(300)}`, 'a\\b'])
        record.note({ outcome: 'wrong-credentials', account })
      await record.stop()

      const typed = (await listSignIns(db, { limit: 10 })).map(({ account }) => account)
      expect(typed).toEqual(['a\\u005cb', `\\u001b[2J${'x'.repeat(60)}...`, '(a key)'])
    })

    it('can be queried by account, outcome and time, page by page, and is deleted after its retention', async () => {
      const record = await recordOf()
      for (const account of ['alice', 'robot', 'alice']) {
        await record.put({ outcome: 'signed-in', account })
        clock.advance({ hours: 1 })
      }
      const asked = async (query: object) => (await listSignIns(db, { limit: 10, ...query })).map(({ at }) => at - NOW)

      expect(await asked({ account: 'alice' })).toEqual([2 * HOUR, 0])
      expect(await asked({ from: NOW + HOUR, to: NOW + 2 * HOUR })).toEqual([HOUR])
      expect(await asked({ outcome: 'signed-out' })).toEqual([])
      const [newest] = await listSignIns(db, { limit: 1 })
      expect(await asked({ before: newest!.id })).toEqual([HOUR, 0])
      expect(await forgetSignIns(db.knex, NOW + HOUR)).toBe(1)
      expect(await asked({})).toEqual([2 * HOUR, HOUR])
    })
  })
})
