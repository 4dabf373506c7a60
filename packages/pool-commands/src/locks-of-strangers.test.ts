import { afterAll, beforeAll, expect, it } from 'vitest'
import { must, openPlace, type PlaceInTest, POOL, type PoolInTest, sip } from './pool-in-test.ts'

let place: PlaceInTest
let pool: PoolInTest
beforeAll(async () => {
  place = await openPlace('postgres')
  pool = await place.open()
  for (const account of ['alice', 'stranger']) await pool.addUser(account)
  const allowed = [sip('alice')]
  must(await pool.commands.createCategory(POOL, { name: 'Walled', allowed, creators: allowed }))
  must(await pool.commands.createRoom(POOL, { name: 'desk', category: 'Walled', members: allowed }))
})
afterAll(async () => {
  await pool?.close()
  await place?.close()
})

// A caller that waited here would wait until the test releases the lock, which it does only after their replies.
it('does not wait for a room or category that the caller may not see, nor delay those who may', async () => {
  const { commands } = pool
  const stranger = await pool.principal('stranger')
  const { uri } = await pool.room('desk')
  const refusals = await pool.db.knex.transaction(async (tx) => {
    await tx('room').where({ uri }).forUpdate().first('id')
    await tx('category').where({ name: 'Walled' }).forUpdate().first('id')
    return [
      await commands.changeRoom(stranger, { room: uri, topic: 'x' }),
      await commands.changeAllRoles(stranger, { room: 'desk', roles: { members: { add: [stranger.uri] } } }),
      await commands.disableRoom(stranger, { room: uri }),
      await commands.deleteRoom(stranger, { room: uri }),
      await commands.deleteChat(stranger, { room: uri, chat: 1 }),
      await commands.clearRoom(stranger, { room: uri, through: 1 }),
      await commands.purgeChats(stranger, { room: uri, filter: { words: 'x' } }),
      await commands.createRoom(stranger, { name: 'new', category: 'Walled' }),
    ].map((result) => (result.ok ? 'not refused' : result.refusal))
  })
  expect(refusals).toEqual([...Array.from({ length: 7 }, () => 'no-such-room'), 'not-a-creator'])
})

it('waits for a room that the caller may change', async () => {
  const { commands } = pool
  const administrator = await pool.addUser('chief', { roles: ['administrator'] })
  let done = false
  const changing = await pool.db.knex.transaction(async (tx) => {
    await tx('room').where({ name: 'desk' }).forUpdate().first('id')
    const change = commands.changeRoom(administrator, { room: 'desk', topic: 'new' }).then((result) => {
      done = true
      return result
    })
    const waiting = () =>
      tx('pg_stat_activity').whereRaw("datname = current_database() and wait_event_type = 'Lock'").first('pid')
    while (!(await waiting()) && !done);
    expect(done).toBe(false)
    // Not awaited here: it completes when this transaction has ended.
    return { change }
  })
  expect(must(await changing.change).uri).toMatch(/^ma-chan:/)
})
