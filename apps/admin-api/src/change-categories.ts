import type { Handle } from './call.ts'
import { categoryDetail } from './show-categories.ts'
import { unwrap } from './unwrap.ts'

export const addCategory: Handle<'addCategory'> = async (deps, { actor, body }) => {
  const { uri } = await unwrap(deps.commands.createCategory(actor, body))
  return categoryDetail(deps, uri)
}

export const changeCategory: Handle<'changeCategory'> = async (deps, { actor, path, body }) => {
  const { uri } = await unwrap(deps.commands.changeCategory(actor, { ...body, category: path['category']! }))
  return categoryDetail(deps, uri)
}

export const removeCategory: Handle<'removeCategory'> = async (deps, { actor, path }) => {
  const { uri } = await unwrap(deps.commands.deleteCategory(actor, { category: path['category']! }))
  return { removed: uri }
}
