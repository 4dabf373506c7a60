import { ROOM_OPERATIONS } from '@hansard/rooms'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { differences } from './differences.ts'
import { expected } from './matrix.ts'
import { type MatrixPool, startMatrixPool } from './matrix-pool.ts'
import { PEOPLE, PLACES } from './situations.ts'
import type { RoomOnTrial } from './websocket-door.ts'

let pool: MatrixPool
beforeAll(async () => {
  pool = await startMatrixPool({ seeds: 120 })
})
afterAll(() => pool?.[Symbol.asyncDispose]())

describe('the permission matrix', () => {
  it('holds through the WebSocket, for everything that can be requested there', async () => {
    const { tried, different } = await differences(pool, ROOM_OPERATIONS, async (operation, person, room) =>
      (await pool.door(person)).attempt(operation, room),
    )

    expect(different).toEqual([])
    expect(tried).toBe(PLACES.length * PEOPLE.length * ROOM_OPERATIONS.length)
  })

  it('lets managers edit chats through the WebSocket where the pool permits it', async () => {
    await pool.setManagersMayEditChats(true)
    const settings = { managersMayEditChats: true }
    const { different } = await differences(
      pool,
      ['replace-chat', 'delete-chat'],
      async (operation, person, room) => (await pool.door(person)).attempt(operation, room),
      (operation, place, person) => expected(operation, place, person, settings),
    )
    await pool.setManagersMayEditChats(false)

    expect(different).toEqual([])
  })

  it('never reveals the existence of a room to a user who may not see it', async () => {
    const missing: RoomOnTrial = {
      ...pool.room(PLACES[0]!),
      uri: 'ma-chan://localhost/00000000-0000-4000-8000-000000000000',
      name: 'a room that never was',
      nextChat: () => 1,
    }
    for (const person of PEOPLE.filter((one) => !one.inScope && !one.administrator)) {
      const door = await pool.door(person)
      for (const place of PLACES) {
        for (const operation of ROOM_OPERATIONS) {
          const words = await wordsOf(() => door.attempt(operation, pool.room(place)), door.heard)
          const wordsOfMissing = await wordsOf(() => door.attempt(operation, missing), door.heard)
          expect(words, `${person.name}, ${operation}, ${place.name}`).toEqual(wordsOfMissing)
        }
      }
      const heard = door.heard.join('\n')
      for (const place of PLACES) expect(heard).not.toContain(`"${place.name}"`)
      expect(heard).not.toContain('seed')
    }
  })
})

/** What was received during an attempt, without request numbers. */
async function wordsOf(attempt: () => Promise<unknown>, heard: readonly string[]): Promise<string[]> {
  const before = heard.length
  await attempt()
  return heard.slice(before).map((text) => text.replace(/"re":\d+/, '"re":0'))
}
