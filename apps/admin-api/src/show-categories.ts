import type { Category, CategoryDetail } from '@hansard/admin-contract'
import { type CategoryRow, categoryLists, listCategories as listCategoriesOfPool } from '@hansard/pool-store'
import type { Handle } from './call.ts'
import { categoryBy, noSuch, pageOf, principalIdOf } from './name-things.ts'
import type { AdminApiParts } from './parts.ts'

export const listCategories: Handle<'listCategories'> = async ({ poolDb }, { query }) => {
  const { after, limit, name, principal } = query
  const naming = principal === undefined ? undefined : await principalIdOf(poolDb, principal)
  const found = await listCategoriesOfPool(poolDb, { after, limit: limit + 1, name, naming })
  const [page, next] = pageOf(found, limit, (category) => category.name)
  return { categories: page.map(categoryOf), next }
}

export const showCategory: Handle<'showCategory'> = async (parts, { path }) => categoryDetail(parts, path['category']!)

export async function categoryDetail({ poolDb }: AdminApiParts, name: string): Promise<CategoryDetail> {
  const [category] = await listCategoriesOfPool(poolDb, { limit: 1, exactly: categoryBy(name) })
  if (!category) throw noSuch('no-such-category', 'category', name)
  return { ...categoryOf(category), createdAt: category.createdAt, ...(await categoryLists(poolDb, category.id)) }
}

function categoryOf({ uri, name, description, invitations, fileUpload, chatHistory, rooms }: CategoryRow): Category {
  return { uri, name, description, invitations, fileUpload, chatHistory, rooms }
}
