import type { Handle } from './call.ts'
import { settle } from './settle.ts'
import { categoryDetail } from './show-categories.ts'

export const addCategory: Handle<'addCategory'> = async (parts, { actor, body }) => {
  const { uri } = await settle(parts.commands.createCategory(actor, body))
  return categoryDetail(parts, uri)
}

export const changeCategory: Handle<'changeCategory'> = async (parts, { actor, path, body }) => {
  const { name } = await categoryDetail(parts, path['category']!)
  const { uri } = await settle(parts.commands.changeCategory(actor, { ...body, category: name }))
  return categoryDetail(parts, uri)
}

export const removeCategory: Handle<'removeCategory'> = async (parts, { actor, path }) => {
  const { name } = await categoryDetail(parts, path['category']!)
  const { uri } = await settle(parts.commands.deleteCategory(actor, { category: name }))
  return { removed: uri }
}
