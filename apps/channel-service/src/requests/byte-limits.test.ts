import { ManualClock, SteppedClock } from '@hansard/clock'
import { Env } from '@hansard/config'
import { expect, it } from 'vitest'
import { channelProcessConfig } from '../config.ts'
import { openPoolInTest } from '../service-in-test.ts'
import { createByteLimits } from './byte-limits.ts'
import type { Asker } from './limits.ts'

const asker = (id?: number) => ({ principal: id === undefined ? undefined : { id } }) as Asker

it('a session may send two seconds’ worth at once, and learns when it may send again', () => {
  const clock = new ManualClock(0)
  const limits = createByteLimits({ clock, perSession: 1_000, perAccount: 10_000 })
  const [ann, bob] = [asker(1), asker(2)]

  expect([limits.take(ann, 1_500), limits.take(ann, 500), limits.take(ann, 300)]).toEqual([0, 0, 300])
  expect(limits.take(bob, 300)).toBe(0)
  clock.advance({ ms: 299 })
  expect(limits.take(ann, 300)).toBe(1)
  clock.advance({ ms: 1 })
  expect(limits.take(ann, 300)).toBe(0)
})

it('a session is not limited by a clock that was ahead and is right again', () => {
  const clock = new SteppedClock(new ManualClock(0))
  const limits = createByteLimits({ clock, perSession: 1_000, perAccount: 10_000 })
  const ann = asker(1)

  clock.step(3 * 3_600_000)
  expect(limits.take(ann, 1_000)).toBe(0)
  clock.step(-3 * 3_600_000)
  expect(limits.take(ann, 1_000)).toBe(0)
})

it('an account has one allowance for all its sessions, and keeps it when they end', () => {
  const clock = new ManualClock(0)
  const limits = createByteLimits({ clock, perSession: 1_000, perAccount: 1_500 })
  const [first, second, third] = [asker(1), asker(1), asker(1)]

  expect([limits.take(first, 2_000), limits.take(second, 1_000), limits.take(second, 1)]).toEqual([0, 0, 1])
  limits.ended(first)
  limits.ended(second)
  expect(limits.take(third, 1_500)).toBe(1_000)
  // Other accounts, and connections that have not signed in, are not limited by it.
  expect([limits.take(asker(2), 2_000), limits.take(asker(), 2_000)]).toEqual([0, 0])
})

it('by default a session may send 2 MiB a second and an account 4', () => {
  const env = new Env({
    HANSARD_CHANNEL_NAME: 'c',
    HANSARD_POOL_DATABASE_URL: 'sqlite:x',
    HANSARD_REDIS_URL: 'redis://x',
  })
  const config = channelProcessConfig(env)
  expect([config.bytesPerSecond, config.accountBytesPerSecond]).toEqual([2_097_152, 4_194_304])
})

it.each(['sqlite', 'postgres'] as const)('stories beyond the bytes of a session are refused on %s', async (dialect) => {
  await using stack = new AsyncDisposableStack()
  const pool = await openPoolInTest(dialect)
  stack.defer(() => pool.close())
  const clock = new ManualClock(Date.now())
  const { connect } = await pool.start({ bytesPerSecond: 600_000 }, { clock })
  for (const account of ['alice', 'bob']) await pool.person(account)
  const room = await pool.room('desk', 'open')
  const [alice, bob] = [await connect('alice'), await connect('bob')]
  for (const client of [alice, bob]) await client.ask({ t: 'join', room: room.uri })
  const story = (n: number) =>
    alice.ask({ t: 'post', room: room.uri, post: `story-${n}`, title: 'long', text: 'x'.repeat(60_000) })

  const replies = await Promise.all(Array.from({ length: 30 }, (_, n) => story(n)))
  const refused = replies.filter((reply) => reply.t === 'refused')

  expect(replies.filter((reply) => reply.t === 'posted')).toHaveLength(19)
  expect(new Set(refused.map((reply) => reply.code))).toEqual(new Set(['too-fast']))
  expect(refused[0]!.retryAfterMs).toBeGreaterThan(0)
  // Others can post, and so can the session after the time it was given.
  expect(await bob.post(room, 'hello')).toMatchObject({ t: 'posted' })
  clock.advance({ ms: refused[0]!.retryAfterMs! })
  expect(await story(30)).toMatchObject({ t: 'posted' })
})
