import { type Bus, openInlineBus } from '@hansard/bus'
import { startSource } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { expect, it, vi } from 'vitest'
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
    const inService = await openRooms(db, bus, { drawRef: () => draws.shift()! })

    const hubs = await Promise.all(rooms.map(({ id }) => inService.enter(id)))

    expect(hubs.map((hub) => hub?.addIn?.name)).toEqual(['prices', 'prices', 'prices'])
    expect(hubs.map((hub) => hub?.ref).sort()).toEqual([5, 7, 9])
  } finally {
    await bus.close()
    await pool.close()
  }
})

it('counts a participant once whose join is reported after the room was opened', async () => {
  const pool = await openPoolInTest('sqlite')
  const bus = openInlineBus()
  try {
    const { db } = pool
    const room = await pool.room('one', 'open')
    const alice = await pool.person('alice')
    await startSource(db, { name: 'channel-2', endpoint: 'ws://y', now: 1 })
    const row = { room_id: room.id, session: 's', principal_id: alice.id, joined_at: 1, source: 'channel-2', epoch: 1 }
    await db.knex('participant').insert(row)
    const inService = await openRooms(db, bus)
    const hub = (await inService.enter(room.id))!
    expect(hub.participants).toBe(1)

    const people = [{ joined: true, uri: alice.uri, name: alice.name }]
    bus.publish({ t: 'presences', room: room.id, from: 'channel-2/1', rights: hub.rights, people })
    await Promise.resolve()
    expect(hub.participants).toBe(2)

    await vi.waitFor(() => expect(hub.participants).toBe(1), { timeout: 60_000, interval: 5 })
  } finally {
    await bus.close()
    await pool.close()
  }
})

async function openRooms(db: Database, bus: Bus, more: { drawRef?: () => number } = {}) {
  return createRoomsInService({
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
    ...more,
  })
}
