import { mkdtempSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ManualClock } from '@hansard/clock'
import { type ComplianceEvent, decodeEvent } from '@hansard/compliance-event'
import { keySecret, newKey } from '@hansard/credentials'
import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import {
  createPrincipals,
  createRecordWriter,
  declareDead,
  EXPIRED_AT_ONCE,
  endAllSessions,
  findPrincipal,
  type Principal,
  poolSettings,
  recordExpiredSessions,
  SourceFenced,
  type StoredPoolSettings,
  startSource,
} from '../index.ts'
import { openStoreInTest, type StoreInTest } from '../store-in-test.ts'
import { createSignIn } from './sign-in.ts'
import { createSignInRecord } from './sign-in-record.ts'
import { openTokenKeys } from './token-keys.ts'

const NOW = Date.UTC(2026, 0, 2)
const HOUR = 60 * 60_000
const KEY = newKey()
const REMOTE = '10.0.0.9'

describe.each(['sqlite', 'postgres'] as const)('sign-ins on record on %s', (dialect) => {
  let store: StoreInTest
  let db: Database
  let clock: ManualClock
  let directory: string
  let settings: StoredPoolSettings
  let alice: Principal
  let bob: Principal
  let started = 0
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-sign-in-'))
    store = await openStoreInTest(dialect)
    db = store.db
    settings = await poolSettings(db, { pool: 'test', domain: 'example.com' })
    const secret = keySecret(KEY)
    await createPrincipals(
      db.knex,
      ['alice', 'bob'].map((account) => ({ account, domain: 'example.com', displayName: account, secret, now: 1 })),
    )
    bob = (await findPrincipal(db, { account: 'bob' }))!
  })
  afterAll(async () => {
    await store?.close()
    await rm(directory, { recursive: true, force: true })
  })
  beforeEach(async () => {
    clock = new ManualClock(NOW)
    for (const table of ['sign_in_event', 'signed_out', 'signed_in', 'outbox']) await db.knex(table).delete()
    alice = (await findPrincipal(db, { account: 'alice' }))!
  })

  const log = { info: () => {}, warn: () => {} }
  const service = async () => {
    started += 1
    const name = `lookup-${started}`
    const source = await startSource(db, { name, endpoint: '', now: NOW })
    const writer = createRecordWriter({ db, clock, source, place: { pool: 'test' } })
    const record = createSignInRecord({ writer, dialect, clock, log, service: name, pool: settings })
    const tokenKeys = await openTokenKeys({ db, clock, source: { file: join(directory, 'keys.json') } })
    const signIn = createSignIn({ db, clock, tokenKeys, record })
    const expire = () => recordExpiredSessions({ db, writer, poolRoomId: settings.poolRoomId, now: clock.now() })
    return { name, source, writer, record, signIn, expire }
  }
  /** What is on record: kind, who, and what the event says besides. */
  const events = async () => {
    const rows: { body: string }[] = await db.knex('outbox').orderBy(['source', 'epoch', 'seq'])
    return rows.map(({ body }) => decodeEvent(body))
  }
  const told = async () => (await events()).map(contentOf)

  it('records a sign-in and its assignment before it is answered, and its sign-out once', async () => {
    const [lookup, channel] = [await service(), await service()]
    const { token, expiresAt } = await lookup.signIn.issueToken(alice, { remote: REMOTE, assignedTo: 'channel-1' })
    const holder = (await channel.signIn.withToken(token))!
    const tokenSession = holder.session

    expect(await told()).toEqual([
      { kind: 'sign-in', by: 'sip:alice@example.com', account: 'alice', remote: REMOTE, tokenSession, expiresAt },
      { kind: 'assignment', by: 'sip:alice@example.com', account: 'alice', tokenSession, service: 'channel-1' },
    ])
    await Promise.all([lookup, channel].map(({ signIn }) => signIn.endSession({ ...holder, remote: REMOTE })))
    await channel.signIn.endSession({ ...holder, remote: REMOTE })

    expect((await told()).slice(2)).toEqual([
      { kind: 'sign-out', by: 'sip:alice@example.com', account: 'alice', remote: REMOTE, tokenSession },
    ])
    expect(await db.knex('signed_in')).toEqual([])
    expect((await events()).map(({ room }) => room.name)).toEqual(['test', 'test', 'test'])
  })

  it('signs nobody in when the record cannot be written', async () => {
    const lookup = await service()
    await declareDead(db, { name: lookup.name, now: NOW })

    await expect(lookup.signIn.issueToken(alice, { remote: REMOTE })).rejects.toThrow(SourceFenced)

    expect(await db.knex('signed_in')).toEqual([])
    expect(await db.knex('sign_in_event')).toEqual([])
    expect(await events()).toEqual([])
  })

  it('records once that a session expired, whichever service finds it, and never that of one that ended before', async () => {
    const [one, two] = [await service(), await service()]
    const token = async () => (await one.signIn.issueToken(alice, { remote: REMOTE })).token
    const [kept, signedOut] = [await token(), await token()]
    const { session } = (await one.signIn.withToken(kept))!
    await one.signIn.endSession({ ...(await one.signIn.withToken(signedOut))!, remote: REMOTE })
    await one.signIn.beginSession(bob, { remote: REMOTE })
    await endAllSessions(db.knex, bob.id)
    clock.advance({ ms: 12 * HOUR - 1 })
    expect(await one.expire()).toBe(0)

    clock.advance({ ms: 1 })
    await Promise.all([one.expire(), two.expire()])
    await two.expire()

    const ends = (await told()).filter(({ kind }) => kind === 'session-expired')
    const who = { by: 'sip:alice@example.com', account: 'alice', tokenSession: session }
    expect(ends).toEqual([{ kind: 'session-expired', ...who, expiresAt: NOW + 12 * HOUR }])
    expect(await db.knex('signed_in')).toEqual([])
  })

  it('records a crowd of expired sessions in portions', async () => {
    const lookup = await service()
    const crowd = Array.from({ length: EXPIRED_AT_ONCE + 1 }, () =>
      lookup.signIn.beginSession(alice, { remote: REMOTE }),
    )
    await Promise.all(crowd)
    clock.advance({ hours: 12 })

    expect([await lookup.expire(), await lookup.expire(), await lookup.expire()]).toEqual([EXPIRED_AT_ONCE, 1, 0])

    const expired = (await told()).filter(({ kind }) => kind === 'session-expired')
    expect(new Set(expired.map((event) => event['tokenSession'])).size).toBe(EXPIRED_AT_ONCE + 1)
  })

  it('records a refused sign-in as the pool’s, and the repeats of a minute as one event', async () => {
    const { record, name } = await service()
    const refused = { outcome: 'wrong-credentials', account: 'alice', principalId: alice.id, remote: REMOTE } as const
    record.note(refused)
    record.note(refused)
    clock.advance({ seconds: 1 })
    await expect.poll(told).toHaveLength(1)
    for (let n = 0; n < 5_000; n += 1) record.note(refused)
    record.note({ ...refused, remote: '10.0.0.8' })
    clock.advance({ seconds: 1 })
    await expect.poll(told).toHaveLength(2)
    clock.advance({ seconds: 58 })
    await expect.poll(told).toHaveLength(3)

    const event = {
      kind: 'sign-in-refused',
      by: 'sip:hansard@example.com',
      account: 'alice',
      reason: 'wrong-credentials',
    }
    expect(await told()).toEqual([
      { ...event, remote: REMOTE, count: 2 },
      { ...event, remote: '10.0.0.8', count: 1 },
      { ...event, remote: REMOTE, count: 5_000 },
    ])
    expect((await events()).every(({ source }) => source === name)).toBe(true)
  })

  it('tells 300 different refusals a minute apart, and counts the others', async () => {
    const { record } = await service()
    for (let second = 0; second < 50; second += 1) {
      for (let n = 0; n < 90; n += 1)
        record.note({ outcome: 'too-many-attempts', account: `made up ${second} ${n}`, remote: REMOTE })
      clock.advance({ seconds: 1 })
      await record.put({ outcome: 'proved', account: 'alice', principal: alice })
    }
    await record.stop()

    const counts = (await events()).map((event) => (event.kind === 'sign-in-refused' ? event.count : 0))
    expect(counts).toHaveLength(302)
    expect(counts.reduce((sum, count) => sum + count, 0)).toBe(50 * 90)
  })
})

function contentOf(event: ComplianceEvent): Record<string, unknown> & { kind: string } {
  const { v: _v, source: _s, epoch: _e, incarnation: _i, seq: _n, at: _a, room: _r, principal, ...content } = event
  return { by: principal.uri, ...content }
}
