import type { Handle } from './call.ts'
import { groupDetail } from './show-groups.ts'
import { unwrap } from './unwrap.ts'

export const addGroup: Handle<'addGroup'> = async (deps, { actor, body }) => {
  const { uri } = await unwrap(deps.commands.createGroup(actor, body))
  return groupDetail(deps, uri)
}

export const changeGroup: Handle<'changeGroup'> = async (deps, { actor, path, body }) => {
  const { uri } = await unwrap(deps.commands.changeGroup(actor, { group: path['group']!, ...body }))
  return groupDetail(deps, uri)
}

export const removeGroup: Handle<'removeGroup'> = async (deps, { actor, path }) => {
  const { uri } = await unwrap(deps.commands.deleteGroup(actor, { group: path['group']! }))
  return { removed: uri }
}
