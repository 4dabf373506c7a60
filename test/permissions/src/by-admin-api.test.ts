import { type Admin, AdminRefused, openAdmin } from '@hansard/test-pool'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { differences, MANAGING, type Managing } from './differences.ts'
import { type Answer, expectedOfAdminApi } from './matrix.ts'
import { type MatrixPool, startMatrixPool } from './matrix-pool.ts'
import { PEOPLE, PLACES } from './situations.ts'
import type { RoomOnTrial } from './websocket-door.ts'

let pool: MatrixPool
beforeAll(async () => {
  pool = await startMatrixPool()
})
afterAll(() => pool?.[Symbol.asyncDispose]())

describe('the permission matrix', () => {
  it('holds through the admin API', async () => {
    const admins = new Map<string, Admin>()
    const { tried, different } = await differences(
      pool,
      MANAGING,
      async (operation, person, room) => {
        const admin = admins.get(person.name) ?? (await openAdmin(pool.server, pool.key(person), person.name))
        admins.set(person.name, admin)
        return overHttp(admin, operation, room)
      },
      expectedOfAdminApi,
    )

    expect(different).toEqual([])
    expect(tried).toBe(PLACES.length * PEOPLE.length * MANAGING.length)
  })
})

async function overHttp(admin: Admin, operation: Managing, room: RoomOnTrial): Promise<Answer> {
  const parts = { room: room.uri }
  const none = undefined as never
  const attempts: Record<Managing, () => Promise<unknown>> = {
    'see-roles': () => admin.ask('showRoom', none, parts),
    'change-room': () => admin.ask('changeRoom', { topic: `http ${room.name}` }, parts),
    'change-roles': () => admin.ask('changeRoomRoles', { managers: { remove: [room.bystander] } }, parts),
    'disable-room': () => admin.ask('disableRoom', none, parts),
    'enable-room': () => admin.ask('enableRoom', none, parts),
    'move-room': () => admin.ask('moveRoom', { category: room.otherCategory }, parts),
    'delete-room': () => admin.ask('deleteRoom', none, parts),
    'clear-room': () => admin.ask('clearRoom', { through: 1 }, parts),
    'purge-chats': () => admin.ask('removeChats', { filter: { words: 'a-word-that-nobody-said' } }, parts),
  }
  try {
    await attempts[operation]()
    return 'yes'
  } catch (error) {
    if (error instanceof AdminRefused && error.code !== undefined) return error.code
    throw error
  }
}
