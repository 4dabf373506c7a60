import { PassThrough } from 'node:stream'
import { Env } from '@hansard/config'
import { runCommandLine } from '@hansard/hansard'
import { ROOM_OPERATIONS, type RoomOperation } from '@hansard/rooms'
import { type Admin, AdminRefused, openAdmin } from '@hansard/test-pool'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type Answer, expected, expectedOfAdminApi } from './matrix.ts'
import { type MatrixPool, startMatrixPool } from './matrix-pool.ts'
import { PEOPLE, type Person, PLACES, type Place } from './situations.ts'
import type { RoomOnTrial } from './websocket-door.ts'

let pool: MatrixPool
beforeAll(async () => {
  pool = await startMatrixPool()
})
afterAll(() => pool?.[Symbol.asyncDispose]())

/** What is tried by every door but the first, where it exists. */
const MANAGING = [
  'see-roles',
  'change-room',
  'change-roles',
  'disable-room',
  'enable-room',
  'move-room',
  'delete-room',
  'clear-room',
  'purge-chats',
] as const satisfies readonly RoomOperation[]
type Managing = (typeof MANAGING)[number]

/** Tries every cell and answers those in which the pool and the matrix differ. */
async function differences<O extends RoomOperation>(
  operations: readonly O[],
  attempt: (operation: O, person: Person, room: RoomOnTrial) => Promise<Answer>,
  saidOf: (operation: O, place: Place, person: Person) => Answer = expected,
): Promise<{ tried: number; different: string[] }> {
  const different: string[] = []
  let tried = 0
  for (const place of PLACES) {
    for (const person of PEOPLE) {
      for (const operation of operations) {
        const said = saidOf(operation, place, person)
        const room = operation === 'delete-room' && said === 'yes' ? await pool.clone(place) : pool.room(place)
        const got = await attempt(operation, person, room)
        tried += 1
        if (got !== said) different.push(`${person.name} in ${place.name}, ${operation}: ${got}, not ${said}`)
        if (got === 'yes' && CHANGES.has(operation)) await pool.restore(place)
      }
    }
  }
  return { tried, different }
}
const CHANGES: ReadonlySet<RoomOperation> = new Set(['disable-room', 'enable-room', 'move-room'])

describe('the permission matrix', () => {
  it('holds through the WebSocket, for everything that can be asked there', async () => {
    const { tried, different } = await differences(ROOM_OPERATIONS, async (operation, person, room) =>
      (await pool.door(person)).attempt(operation, room),
    )

    expect(different).toEqual([])
    expect(tried).toBe(PLACES.length * PEOPLE.length * ROOM_OPERATIONS.length)
  })

  it('lets managers edit chats through the WebSocket where the pool says so', async () => {
    await pool.setManagersMayEditChats(true)
    const settings = { managersMayEditChats: true }
    const { different } = await differences(
      ['replace-chat', 'delete-chat'],
      async (operation, person, room) => (await pool.door(person)).attempt(operation, room),
      (operation, place, person) => expected(operation, place, person, settings),
    )
    await pool.setManagersMayEditChats(false)

    expect(different).toEqual([])
  })

  it('holds through the admin API', async () => {
    const admins = new Map<string, Admin>()
    const { tried, different } = await differences(
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

  it('holds through the command line', async () => {
    const { tried, different } = await differences(
      MANAGING,
      (operation, person, room) => onCommandLine(person, operation, room),
      expectedOfAdminApi,
    )

    expect(different).toEqual([])
    expect(tried).toBe(PLACES.length * PEOPLE.length * MANAGING.length)
  })

  it('tells nobody by any word that a room exists which they may not see', async () => {
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

/** What was heard during an attempt, without the numbers of the questions. */
async function wordsOf(attempt: () => Promise<unknown>, heard: readonly string[]): Promise<string[]> {
  const before = heard.length
  await attempt()
  return heard.slice(before).map((text) => text.replace(/"re":\d+/, '"re":0'))
}

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

async function onCommandLine(person: Person, operation: Managing, room: RoomOnTrial): Promise<Answer> {
  const name = room.uri
  const lines: Record<Managing, readonly string[]> = {
    'see-roles': ['rooms', 'show', name],
    'change-room': ['rooms', 'set', name, '--topic', `typed ${room.name}`],
    'change-roles': ['rooms', 'set', name, '--remove-manager', room.bystander],
    'disable-room': ['rooms', 'disable', name],
    'enable-room': ['rooms', 'enable', name],
    'move-room': ['rooms', 'set', name, '--category', room.otherCategory],
    'delete-room': ['rooms', 'remove', name, '--yes'],
    'clear-room': ['rooms', 'clear', name, '--through', '2000-01-01', '--yes'],
    'purge-chats': ['chats', 'remove', name, '--words', 'a-word-that-nobody-said', '--yes'],
  }
  const [stdin, stdout, stderr] = [new PassThrough(), new PassThrough(), new PassThrough()]
  const exitCode = await runCommandLine([...lines[operation], '--server', pool.server, '--as', person.name, '--json'], {
    stdin,
    stdout,
    stderr,
    env: new Env({ HANSARD_AS_PASSWORD: pool.key(person) }),
    stop: new AbortController().signal,
  })
  if (exitCode === 0) return 'yes'
  const failure = JSON.parse(String(stderr.read())) as { code?: string; error: string }
  return failure.code ?? failure.error
}
