import { z } from 'zod'
import { count, next, page, timestamp, wildcard } from './paging.ts'
import { PrincipalEntry, PrincipalsChange, principal, principals } from './principals.ts'

const name = z.string().min(1).max(256)
const description = z.string().max(256)

/**
 * A category is an ethical wall around its rooms: principals who are allowed and not denied may find and join them,
 * as each room permits. Deny wins. Creators may create rooms in it; each must be allowed and not denied.
 */
const switches = {
  description: description.optional(),
  /** rooms may send invitations; default false */
  invitations: z.boolean().optional(),
  /** files may be uploaded; default false */
  fileUpload: z.boolean().optional(),
  /** chats are kept for participants; default true. The compliance record keeps them in any case */
  chatHistory: z.boolean().optional(),
}

export const AddCategoryRequest = z.strictObject({
  name,
  ...switches,
  allowed: principals.optional(),
  denied: principals.optional(),
  creators: principals.optional(),
})
export type AddCategoryRequest = z.infer<typeof AddCategoryRequest>

export const ChangeCategoryRequest = z.strictObject({
  name: name.optional(),
  ...switches,
  allowed: PrincipalsChange.optional(),
  denied: PrincipalsChange.optional(),
  creators: PrincipalsChange.optional(),
})
export type ChangeCategoryRequest = z.infer<typeof ChangeCategoryRequest>

export const Category = z.object({
  uri: z.string(),
  name,
  description: z.string(),
  invitations: z.boolean(),
  fileUpload: z.boolean(),
  chatHistory: z.boolean(),
  rooms: count,
})
export type Category = z.infer<typeof Category>

export const ListCategoriesQuery = z.strictObject({
  ...page,
  name: wildcard.optional(),
  /** categories whose lists contain this principal itself */
  principal: principal.optional(),
})
export type ListCategoriesQuery = z.output<typeof ListCategoriesQuery>

/** A category in a list: complete for callers with a role; name and description only for others. */
export const CategoryEntry = Category.partial().required({ name: true, description: true })
export type CategoryEntry = z.infer<typeof CategoryEntry>

/** By name, ascending. */
export const ListCategoriesReply = z.object({ categories: z.array(CategoryEntry), next })
export type ListCategoriesReply = z.infer<typeof ListCategoriesReply>

export const CategoryDetail = Category.extend({
  createdAt: timestamp,
  allowed: z.array(PrincipalEntry),
  denied: z.array(PrincipalEntry),
  creators: z.array(PrincipalEntry),
})
export type CategoryDetail = z.infer<typeof CategoryDetail>
