import type { Category, CategoryDetail } from '@hansard/admin-contract'
import {
  type CategoryRow,
  categoryLists,
  creatableCategories,
  listCategories as listCategoriesOfPool,
} from '@hansard/pool-store'
import { type Handle, notAllowed } from './call.ts'
import type { AdminApiDeps } from './deps.ts'
import { requireManager } from './managed-rooms.ts'
import { categoryBy, noSuch, pageOf, principalIdOf, requireFilterNames } from './name-things.ts'

/**
 * For callers without a role: the categories in which they may create rooms, with the properties that clients may
 * see.
 */
export const listCategories: Handle<'listCategories'> = async (deps, call) => {
  const { poolDb } = deps
  const { after, limit, name, principal } = call.query
  if (!call.byRole) {
    const own = await requireManager(deps, call)
    // A category's lists are not public, and a filter by principal would reveal them.
    if (principal !== undefined) throw notAllowed(['administrator', 'auditor'])
    const creatable = await creatableCategories(poolDb, { identities: own }, name)
    const left = creatable.filter((category) => after === undefined || category.name > after)
    left.sort((a, b) => (a.name < b.name ? -1 : 1))
    const [page, next] = pageOf(left.slice(0, limit + 1), limit, (category) => category.name)
    return { categories: page.map(({ name, description }) => ({ name, description })), next }
  }
  if (principal !== undefined) await requireFilterNames(poolDb, { principals: [principal] })
  const naming = principal === undefined ? undefined : await principalIdOf(poolDb, principal)
  const found = await listCategoriesOfPool(poolDb, { after, limit: limit + 1, name, naming })
  const [page, next] = pageOf(found, limit, (category) => category.name)
  return { categories: page.map(categoryOf), next }
}

export const showCategory: Handle<'showCategory'> = async (deps, { path }) => categoryDetail(deps, path['category']!)

export async function categoryDetail({ poolDb }: AdminApiDeps, name: string): Promise<CategoryDetail> {
  const [category] = await listCategoriesOfPool(poolDb, { limit: 1, exactly: categoryBy(name) })
  if (!category) throw noSuch('no-such-category', 'category', name)
  return { ...categoryOf(category), createdAt: category.createdAt, ...(await categoryLists(poolDb, category.id)) }
}

function categoryOf({ uri, name, description, invitations, fileUpload, chatHistory, rooms }: CategoryRow): Category {
  return { uri, name, description, invitations, fileUpload, chatHistory, rooms }
}
