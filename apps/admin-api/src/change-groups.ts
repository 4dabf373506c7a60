import type { Handle } from './call.ts'
import { settle } from './settle.ts'
import { groupDetail } from './show-groups.ts'

export const addGroup: Handle<'addGroup'> = async (parts, { actor, body }) => {
  const { uri } = await settle(parts.commands.createGroup(actor, body))
  return groupDetail(parts, uri)
}

export const changeGroup: Handle<'changeGroup'> = async (parts, { actor, path, body }) => {
  const { uri } = await settle(parts.commands.changeGroup(actor, { group: path['group']!, ...body }))
  return groupDetail(parts, uri)
}

export const removeGroup: Handle<'removeGroup'> = async (parts, { actor, path }) => {
  const { uri } = await settle(parts.commands.deleteGroup(actor, { group: path['group']! }))
  return { removed: uri }
}
