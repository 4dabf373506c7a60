import type { Database } from '@hansard/sql'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { declareDead, sourceStates, startSource } from '../index.ts'
import { NOW, openStoreInTest, type StoreInTest } from '../store-in-test.ts'

let store: StoreInTest
let db: Database
beforeAll(async () => {
  store = await openStoreInTest('postgres')
  db = store.db
})
afterAll(() => store?.close())

/** A service that sleeps in the middle of a commit. The server's own limit is off: it must not be what ends it. */
async function frozenInCommit(name: string) {
  const source = await startSource(db, { name, endpoint: '', now: NOW })
  const tx = await store.connect().knex.transaction()
  await tx.raw('set local idle_in_transaction_session_timeout = 0')
  await tx('source').where({ name, epoch: source.epoch, state: 'alive' }).update({ last_seq: 1 })
  // The connection ends while nobody waits for it.
  tx.executionPromise.catch(() => {})
  return tx
}

/** the last number that the first epoch committed */
const committed = async (name: string) => (await db.knex('source').where({ name, epoch: 1 }).first()).last_seq

it('a service that sleeps inside a transaction does not keep out its replacement', async () => {
  const frozen = await frozenInCommit('channel-1')

  expect((await startSource(db, { name: 'channel-1', endpoint: '', now: NOW })).epoch).toBe(2)

  await frozen.commit().catch(() => {})
  expect(await sourceStates(db, 'channel-1')).toEqual(['fenced', 'alive'])
  expect(await committed('channel-1')).toBe(0)
})

it('a service that sleeps inside a transaction can be declared dead', async () => {
  const frozen = await frozenInCommit('channel-2')

  expect(await declareDead(db, { name: 'channel-2', now: NOW })).toBe(1)

  await frozen.commit().catch(() => {})
  expect(await sourceStates(db, 'channel-2')).toEqual(['dead'])
  expect(await committed('channel-2')).toBe(0)
})
