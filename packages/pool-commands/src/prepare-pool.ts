import { poolItself } from '@hansard/pool-store'
import { newCategoryUri } from '@hansard/rooms'
import { type CommandActor, type Context, changeEvents } from './context.ts'
import { lockRooms } from './locked.ts'
import { putDomain } from './named-principals.ts'

/** The category in which rooms are created by default. */
export const DEFAULT_CATEGORY = 'General'

/** The pool itself, as the actor of its own changes. */
export function poolActor(domain: string): CommandActor {
  return { ...poolItself(domain), roles: ['administrator'] }
}

/**
 * Creates what a pool needs before anybody can post: a category that allows everybody of the pool's domain and
 * contains the rooms from before there were categories. Concurrent calls by any number of services have the effect of
 * one.
 */
export async function preparePool(context: Context): Promise<void> {
  const { db, poolRoomId, domain } = context
  const roomless = () =>
    db.knex('room').whereNull('category_id').whereNull('deleted_at').whereNot({ id: poolRoomId }).first('id')
  if ((await db.knex('category').first('id')) && !(await roomless())) return
  const by = poolActor(domain)
  const result = await context.make(by, async (by, tx, at) => {
    const events = []
    const everybody = await putDomain(tx, domain, at)
    if (!(await tx('category').first('id'))) {
      const uri = newCategoryUri(domain)
      const switches = { invitations: true, file_upload: true, chat_history: true }
      const row = { uri, name: DEFAULT_CATEGORY, description: 'Everybody of the pool', ...switches, created_at: at }
      const [category]: { id: number }[] = await tx('category').insert(row).returning('id')
      await tx('category_scope').insert({ category_id: category!.id, principal_id: everybody.id, list: 'allowed' })
      const subject = { type: 'category' as const, uri, name: DEFAULT_CATEGORY }
      const { name, description } = row
      const after = {
        name,
        description,
        invitations: true,
        fileUpload: true,
        chatHistory: true,
        allowed: [everybody.uri],
      }
      events.push(...changeEvents({ roomId: poolRoomId, by, action: 'created', subject, after }))
    }
    const category: { id: number; uri: string } =
      (await tx('category').where({ name: DEFAULT_CATEGORY }).first('id', 'uri')) ??
      (await tx('category').orderBy('id').first('id', 'uri'))
    const rooms: { id: number; uri: string; name: string; privacy: string; disabled: unknown }[] = await tx('room')
      .whereNull('category_id')
      .whereNull('deleted_at')
      .whereNot({ id: poolRoomId })
      .orderBy('id')
    await lockRooms(tx, [poolRoomId, ...rooms.map(({ id }) => id)])
    for (const { id, uri, name, privacy, disabled } of rooms) {
      await tx('room').where({ id }).update({ category_id: category.id })
      const members: { uri: string }[] = await tx('principal')
        .join('room_role', 'room_role.principal_id', 'principal.id')
        .where({ room_id: id, role: 'member' })
        .orderBy('principal.uri')
        .select('principal.uri')
      const told = { name, description: '', topic: '', type: 'normal', privacy, invitations: 'inherit', addIn: null }
      const after = { ...told, disabled: Boolean(disabled), category: category.uri }
      const lists = members.length > 0 ? { members: members.map((member) => member.uri) } : {}
      const subject = { type: 'room' as const, uri, name }
      events.push(...changeEvents({ roomId: id, by, action: 'created', subject, after: { ...after, ...lists } }))
    }
    return { events, rights: rooms.map(({ id }) => id), result: undefined }
  })
  if (!result.ok) throw new Error(`The pool could not be prepared: ${result.message}`)
}
