import type { RoomOperation } from '@hansard/rooms'
import { type Answer, expected } from './matrix.ts'
import type { MatrixPool } from './matrix-pool.ts'
import { type MatrixPerson, type MatrixPlace, PEOPLE, PLACES } from './situations.ts'
import type { RoomOnTrial } from './websocket-door.ts'

/** The actions that every entry point except the WebSocket offers. */
export const MANAGING = [
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
export type Managing = (typeof MANAGING)[number]

/** Tries every cell and returns those in which the pool and the matrix differ. */
export async function differences<O extends RoomOperation>(
  pool: MatrixPool,
  operations: readonly O[],
  attempt: (operation: O, person: MatrixPerson, room: RoomOnTrial) => Promise<Answer>,
  saidOf: (operation: O, place: MatrixPlace, person: MatrixPerson) => Answer = expected,
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
