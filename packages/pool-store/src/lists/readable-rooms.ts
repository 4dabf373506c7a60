import type { Database } from '@hansard/sql'
import { identitiesOf } from '../access/identities.ts'
import { applyWalls } from '../access/walls.ts'

/** A room somebody may come into. `rights` is the version of its rights under which this was found. */
export type ReadableRoom = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly rights: number
  readonly lastChatId: number
}

/**
 * The rooms somebody may come into, and with `withHistory` only those whose history they may read and search: the same
 * rule as `decide('join')` and `decide('search-history')`, for all rooms at once. In no order.
 */
export function readableRooms(
  db: Database,
  principalId: number,
  { withHistory = false, uris, ids }: { withHistory?: boolean; uris?: readonly string[]; ids?: readonly number[] } = {},
): Promise<ReadableRoom[]> {
  return asSeenBy(db, principalId, async (identities) => {
    const query = db.knex('room').join('category', 'category.id', 'room.category_id').whereNull('room.deleted_at')
    if (withHistory) query.andWhere('category.chat_history', true)
    // PostgreSQL knows no text with U+0000, and no room is called so.
    if (uris) query.whereIn('room.uri', [...new Set(uris)].filter(isText))
    if (ids) query.whereIn('room.id', ids)
    await applyWalls(db.knex, query, { identities, reach: 'joinable' })
    return query.select('room.id', 'room.uri', 'room.name', 'room.rights', 'room.last_chat_id as lastChatId')
  })
}

/**
 * Reads something that depends on who somebody is. Were they put out of a group between the reading of their groups and
 * that of the rooms, the rooms would show their new rights' version to somebody who is judged by old groups: it is read
 * again then.
 */
export async function asSeenBy<T>(
  db: Database,
  principalId: number,
  read: (identities: readonly number[]) => Promise<T>,
): Promise<T> {
  let before = await identitiesOf(db, principalId)
  for (let reading = 0; reading < READINGS_MAX; reading += 1) {
    const result = await read([...before])
    const after = await identitiesOf(db, principalId)
    if (after.size === before.size && before.isSubsetOf(after)) return result
    before = after
  }
  throw new Error(`The groups of principal ${principalId} change faster than they can be read.`)
}

export const isText = (text: string) => !text.includes('\0')

const READINGS_MAX = 5
