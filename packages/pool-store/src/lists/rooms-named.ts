import { isKeepable } from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'
import { selectRooms } from '../rooms/rooms.ts'
import { applyAsker, type RoomAsker, whereCategoryKnown } from './list-rooms.ts'

/** A room that a text names. `category` only where the asker may know it. */
export type NamedRoom = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly category: string | undefined
}

/** More than anybody needs to choose from. */
const NAMED_ROOMS_MAX = 10

/**
 * The rooms that a name or `CATEGORY/NAME` may mean, among those the asker may know of, at most ten. Several rooms may
 * have one name (docs/decisions/2611-names-tell-nothing.md).
 *
 * The danger is a hidden room that changes what a name means: naming it would find it. So a room that the asker may not
 * see neither matches nor makes a name ambiguous, and the statement is the same for a name that no room has.
 */
export async function roomsNamed(
  db: Database | Knex.Transaction,
  text: string,
  asker: RoomAsker,
): Promise<NamedRoom[]> {
  if (!isKeepable(text)) return []
  const knex = 'dialect' in db ? db.knex : db
  const forms = categoryForms(text)
  const query = selectRooms(knex).whereIn('room.name', [text, ...forms.map(({ name }) => name)])
  query.andWhere((either) => {
    either.where('room.name', text)
    if (forms.length === 0) return
    either.orWhere((within) => {
      within.andWhere((any) => {
        for (const { category, name } of forms) any.orWhere({ 'category.name': category, 'room.name': name })
      })
      if (!asker.seesRoles) whereCategoryKnown(knex, within, asker.identities)
    })
  })
  await applyAsker(knex, query, {}, asker)
  const rows: { id: number; uri: string; name: string; category: string }[] = await query
    .orderBy('room.name')
    .orderBy('room.uri')
    .limit(NAMED_ROOMS_MAX)
  const tellsCategory = asker.seesRoles || asker.holding?.includes('manager')
  return rows.map(({ id, uri, name, category }) => ({ id, uri, name, category: tellsCategory ? category : undefined }))
}

/** A name may hold a slash, and so may a category's: every slash may be the one between them. */
function categoryForms(text: string): { category: string; name: string }[] {
  const slashes = [...text.matchAll(/\//g)].map(({ index }) => index)
  if (slashes.length > SLASHES_MAX) return []
  return slashes.map((at) => ({ category: text.slice(0, at), name: text.slice(at + 1) }))
}

/** A text with more slashes is a name, or nothing: the statement stays short. */
const SLASHES_MAX = 16
