import { afterAll, beforeAll, expect, it, vi } from 'vitest'
import { EVERYBODY, must, openPlace, type PlaceInTest, type PoolInTest, sip } from './pool-in-test.ts'

// SQLite runs one transaction after another, so nothing is concurrent there.
let place: PlaceInTest
let pool: PoolInTest
beforeAll(async () => {
  place = await openPlace('postgres')
  pool = await place.open()
  await pool.addUser('ann', { roles: ['administrator'] })
  await pool.addUser('bob', { roles: ['administrator'] })
})
afterAll(async () => {
  await pool?.close()
  await place?.close()
})

const waitingForLocks = async () => {
  const { rows } = (await pool.db.knex.raw(
    "select count(*)::int as waiting from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock'",
  )) as { rows: { waiting: number }[] }
  return rows[0]!.waiting
}

it('deletes no chat for an administrator after the commit that revoked the role', async () => {
  const ann = await pool.principal('ann')
  const bob = await pool.principal('bob')
  const wanted = { name: 'desk', category: 'General', privacy: 'open' as const, members: [EVERYBODY] }
  must(await pool.commands.createRoom(ann, wanted))
  const chat = await pool.post('ann', 'desk', 'Sell.')
  const other = await pool.startService()
  const { id } = await pool.room('desk')

  const busy = await pool.db.knex.transaction()
  await busy('room').where({ id }).forUpdate().first('id')
  const deleting = other.commands.deleteChat(ann, { room: 'desk', chat })
  await vi.waitFor(async () => expect(await waitingForLocks()).toBe(1), { timeout: 60_000 })
  let taken = false
  const taking = pool.commands.changeUser(bob, { user: sip('ann'), roles: [] }).then((result) => {
    must(result)
    taken = true
  })
  await vi.waitFor(async () => expect(taken || (await waitingForLocks()) === 2).toBe(true), { timeout: 60_000 })
  const tookFirst = taken
  await busy.commit()

  const deleted = await deleting
  await taking
  expect({ tookFirst, deleted: deleted.ok }).not.toEqual({ tookFirst: true, deleted: true })
})
