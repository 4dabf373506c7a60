import type { Handle } from './call.ts'
import { unwrap } from './unwrap.ts'

/** Chats that are removed or replaced here stay on the compliance record. */
export const clearRoom: Handle<'clearRoom'> = async ({ commands }, { actor, path, body }) => {
  const { through, dryRun = false } = body
  const { count } = await unwrap(commands.clearRoom(actor, { room: path['room']!, through, dryRun }))
  return { chats: count, dryRun }
}

export const removeChats: Handle<'removeChats'> = async ({ commands }, { actor, path, body }) => {
  const { filter, dryRun = false } = body
  const { count } = await unwrap(commands.purgeChats(actor, { room: path['room']!, filter, dryRun }))
  return { chats: count, dryRun }
}

export const replaceChats: Handle<'replaceChats'> = async ({ commands }, { actor, path, body }) => {
  const { filter, replacement, dryRun = false } = body
  const { count } = await unwrap(commands.purgeChats(actor, { room: path['room']!, filter, replacement, dryRun }))
  return { chats: count, dryRun }
}
