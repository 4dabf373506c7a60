import { openInlineBus } from '@hansard/bus'
import { startSource } from '@hansard/pool-store'
import { expect, it } from 'vitest'
import { openPoolInTest } from '../service-in-test.ts'
import { createRoomsInService } from './rooms-in-service.ts'

it('gives rooms that are opened together different refs', async () => {
  const pool = await openPoolInTest('sqlite')
  const bus = openInlineBus()
  try {
    const { db } = pool
    const [addIn] = await db.knex('add_in').insert({ name: 'prices', url: 'https://example.com' }).returning('id')
    const rooms = await Promise.all(['one', 'two', 'three'].map((name) => pool.room(name, 'open')))
    // The page is read from the database while the other rooms are opened.
    await db.knex('room').update({ add_in_id: addIn.id })
    const draws = [5, 5, 5, 7, 5, 9]
    const inService = createRoomsInService({
      db,
      bus,
      place: { pool: 'test' },
      source: await startSource(db, { name: 'channel-1', endpoint: 'ws://x', now: 1 }),
      confirmedAlive: () => true,
      participantUpdateLimit: () => 100,
      evict() {},
      feeds: { tellMatching() {}, matchingFor: () => undefined },
      onError(error) {
        throw error
      },
      drawRef: () => draws.shift()!,
    })

    const hubs = await Promise.all(rooms.map(({ id }) => inService.enter(id)))

    expect(hubs.map((hub) => hub?.addIn?.name)).toEqual(['prices', 'prices', 'prices'])
    expect(hubs.map((hub) => hub?.ref).sort()).toEqual([5, 7, 9])
  } finally {
    await bus.close()
    await pool.close()
  }
})
