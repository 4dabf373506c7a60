import type { Database } from '@hansard/sql'
import { identitiesOf } from '../access/identities.ts'
import { applyWalls } from '../access/walls.ts'

/** A room that a principal may join. `rights`: the rights version under which this was decided. */
export type ReadableRoom = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly rights: number
  readonly lastChatId: number
}

/**
 * The rooms a principal may join; with `withHistory`, only those whose history they may read and search. The same
 * rule as `decide('join')` and `decide('search-history')`, for all rooms at once. Unordered.
 */
export function readableRooms(
  db: Database,
  principalId: number,
  { withHistory = false, uris, ids }: { withHistory?: boolean; uris?: readonly string[]; ids?: readonly number[] } = {},
): Promise<ReadableRoom[]> {
  return asSeenBy(db, principalId, async (identities) => {
    const query = db.knex('room').join('category', 'category.id', 'room.category_id').whereNull('room.deleted_at')
    if (withHistory) query.andWhere('category.chat_history', true)
    // PostgreSQL cannot store U+0000, so no room's name contains it.
    if (uris) query.whereIn('room.uri', [...new Set(uris)].filter(isText))
    if (ids) query.whereIn('room.id', ids)
    await applyWalls(db.knex, query, { identities, reach: 'joinable' })
    return query.select('room.id', 'room.uri', 'room.name', 'room.rights', 'room.last_chat_id as lastChatId')
  })
}

/**
 * Runs a read that depends on a principal's identities. If the principal left a group after its groups were read and
 * before the rooms were, the rooms would carry the new rights version with a decision based on old groups. The read
 * is then repeated.
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
