import { beginStays, loadScope } from '@hansard/pool-store'
import { newCategoryUri, SCOPE_LISTS, type ScopeList } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import {
  type CommandActor,
  type Context,
  changeEvents,
  difference,
  type Properties,
  requireAdministrator,
} from './context.ts'
import { type LockedCategory, lockCategory, lockRooms, requireText } from './locked.ts'
import { BATCH, type ListChange, type Named, namedById, resolveListChange, urisOf } from './named-principals.ts'
import { ChangeRefused, type Result } from './result.ts'
import { requireFreeCategoryName } from './room-names.ts'
import { requireInScope } from './room-roles.ts'

type CategoryProperties = {
  readonly description?: string | undefined
  readonly invitations?: boolean | undefined
  readonly fileUpload?: boolean | undefined
  readonly chatHistory?: boolean | undefined
}
type NewCategory = CategoryProperties & {
  readonly name: string
  readonly allowed?: readonly string[] | undefined
  readonly denied?: readonly string[] | undefined
  readonly creators?: readonly string[] | undefined
}
type CategoryChanges = CategoryProperties & {
  readonly name?: string | undefined
  readonly allowed?: ListChange | undefined
  readonly denied?: ListChange | undefined
  readonly creators?: ListChange | undefined
}

const LISTS = { allowed: 'allowed', denied: 'denied', creator: 'creators' } as const satisfies Record<ScopeList, string>

/** Changes to categories. Administrators make them. */
export function categoryCommands(context: Context) {
  const { bus, from, poolRoomId, domain } = context

  return {
    createCategory: (
      by: CommandActor,
      category: NewCategory,
    ): Promise<Result<{ id: number; uri: string; name: string }>> =>
      context.make(by, async (by, tx, at) => {
        requireAdministrator(by)
        await requireFreeCategoryName(tx, category.name)
        requireText('A description', category.description, 256)
        const { name, description = '', invitations = false, fileUpload = false, chatHistory = true } = category
        const uri = newCategoryUri(domain)
        const [row]: { id: number }[] = await tx('category')
          .insert({
            uri,
            name,
            description,
            invitations,
            file_upload: fileUpload,
            chat_history: chatHistory,
            created_at: at,
          })
          .returning('id')
        const id = row!.id
        const lists = await changeLists(tx, id, category, at)
        const after = { name, description, invitations, fileUpload, chatHistory, ...lists.after }
        const subject = { type: 'category' as const, uri, name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'created', subject, after })
        return { events, rights: [], result: { id, uri, name } }
      }),

    /**
     * Changes a category. Its walls apply to all its rooms from the same commit. List entries of rooms that it no
     * longer allows stay on the lists without effect: nothing is dropped silently, and a wall put up by mistake can
     * be removed.
     */
    async changeCategory(
      by: CommandActor,
      { category, ...changes }: { category: string } & CategoryChanges,
    ): Promise<Result<{ id: number; uri: string; name: string }>> {
      const result = await context.make(by, async (by, tx, at) => {
        requireAdministrator(by)
        const before = await lockCategory(tx, category)
        if (changes.name !== undefined && changes.name !== before.name) {
          await requireFreeCategoryName(tx, changes.name)
        }
        requireText('A description', changes.description, 256)
        const { name, description, invitations, fileUpload, chatHistory } = changes
        const { id, uri } = before
        const told = difference(
          {
            name: before.name,
            description: before.description,
            invitations: before.invitations,
            fileUpload: before.fileUpload,
            chatHistory: before.chatHistory,
          },
          { name, description, invitations, fileUpload, chatHistory },
        )
        const columns = { name, description, invitations, file_upload: fileUpload, chat_history: chatHistory }
        const given = Object.entries(columns).filter(([, value]) => value !== undefined)
        if (given.length > 0) await tx('category').where({ id }).update(Object.fromEntries(given))
        const lists = await changeLists(tx, id, changes, at, before.scope)
        const touched = told !== undefined || Object.keys({ ...lists.before, ...lists.after }).length > 0
        const shown = name ?? before.name
        if (!touched) return { events: [], rights: [], result: { id, uri, name: shown, rooms: [] } }
        // Creators and texts do not affect existing rooms.
        const bears = [name, invitations, fileUpload, chatHistory].some((value) => value !== undefined)
        const { creators: _, ...walls } = { ...lists.before, ...lists.after }
        const rooms = (bears && told) || Object.keys(walls).length > 0 ? await roomsOf(tx, id) : []
        if (chatHistory === false && before.chatHistory) {
          await lockRooms(tx, [poolRoomId, ...rooms])
          await beginStays(tx, rooms)
        }
        return {
          events: changeEvents({
            roomId: poolRoomId,
            by,
            action: 'changed',
            subject: { type: 'category', uri, name: shown },
            before: { ...told?.before, ...lists.before },
            after: { ...told?.after, ...lists.after },
          }),
          rights: rooms,
          result: { id, uri, name: shown, rooms },
        }
      })
      if (!result.ok) return result
      for (const room of result.value.rooms) bus.publish({ t: 'room-changed', room, from })
      const { id, uri, name } = result.value
      return { ok: true, value: { id, uri, name } }
    },

    deleteCategory: (
      by: CommandActor,
      { category }: { category: string },
    ): Promise<Result<{ id: number; uri: string }>> =>
      context.make(by, async (by, tx) => {
        requireAdministrator(by)
        const before = await lockCategory(tx, category)
        const { id, uri, name } = before
        if ((await roomsOf(tx, id)).length > 0) {
          throw new ChangeRefused('category-not-empty', 'The category has rooms. Move or delete them first.')
        }
        const told = await categoryTold(tx, before)
        await tx('category_scope').where({ category_id: id }).delete()
        // Deleted rooms keep their rows; they belong to no category any more.
        const deleted: { id: number }[] = await tx('room').where({ category_id: id }).select('id')
        await lockRooms(tx, [poolRoomId, ...deleted.map((room) => room.id)])
        await tx('room').where({ category_id: id }).update({ category_id: null })
        await tx('category').where({ id }).delete()
        const subject = { type: 'category' as const, uri, name }
        const events = changeEvents({ roomId: poolRoomId, by, action: 'deleted', subject, before: told })
        return { events, rights: [], result: { id, uri } }
      }),
  }
}

/** All properties of a category, as recorded by the change that creates it. */
async function categoryTold(tx: Knex.Transaction, category: LockedCategory): Promise<Properties> {
  const { name, description, invitations, fileUpload, chatHistory, scope } = category
  const lists: Record<string, string[]> = {}
  for (const list of Object.values(LISTS)) {
    if (scope[list].size > 0) lists[list] = urisOf(await namedById(tx, [...scope[list]]))
  }
  return { name, description, invitations, fileUpload, chatHistory, ...lists }
}

/** Ids of the category's rooms that are not deleted. */
async function roomsOf(tx: Knex.Transaction, categoryId: number): Promise<number[]> {
  const rows: { id: number }[] = await tx('room')
    .where({ category_id: categoryId })
    .whereNull('deleted_at')
    .orderBy('id')
    .select('id')
  return rows.map(({ id }) => id)
}

/** Writes the three lists. Creators must be allowed and not denied under the resulting lists. */
async function changeLists(
  tx: Knex.Transaction,
  id: number,
  wanted: { [L in (typeof LISTS)[ScopeList]]?: ListChange | readonly string[] | undefined },
  now: number,
  before: { [L in (typeof LISTS)[ScopeList]]: ReadonlySet<number> } = NO_SCOPE,
) {
  const told = { before: {} as Record<string, string[]>, after: {} as Record<string, string[]> }
  let creators: readonly Named[] = []
  for (const list of SCOPE_LISTS) {
    const name = LISTS[list]
    const change = wanted[name]
    if (change === undefined) continue
    const asked: ListChange = 'length' in change ? { set: change } : change
    const { added, removed } = await resolveListChange(tx, asked, before[name], now)
    for (let at = 0; at < removed.length; at += BATCH) {
      const ids = removed.slice(at, at + BATCH).map((entry) => entry.id)
      await tx('category_scope').where({ category_id: id, list }).whereIn('principal_id', ids).delete()
    }
    for (let at = 0; at < added.length; at += BATCH) {
      const rows = added.slice(at, at + BATCH).map((entry) => ({ category_id: id, principal_id: entry.id, list }))
      await tx('category_scope').insert(rows)
    }
    if (removed.length > 0) told.before[name] = urisOf(removed)
    if (added.length > 0) told.after[name] = urisOf(added)
    if (list === 'creator') creators = added
  }
  if (creators.length > 0) {
    await requireInScope(tx, await loadScope(tx, id), creators)
  }
  return told
}

const NO_SCOPE = { allowed: new Set<number>(), denied: new Set<number>(), creators: new Set<number>() }
