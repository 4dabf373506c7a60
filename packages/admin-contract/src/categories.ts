import { z } from 'zod'
import { count, next, page, timestamp, wildcard } from './paging.ts'
import { PrincipalEntry, PrincipalsChange, principal, principals } from './principals.ts'

const name = z.string().min(1).max(256)
const description = z.string().max(256)

/**
 * A category is an ethical wall around its rooms: principals who are allowed and not denied may find and join them,
 * as each room permits. Deny wins. Creators may create rooms in it; each must be allowed and not denied. The
 * descriptions are also the help texts of the command line, whose options are derived from these schemas.
 */
const switches = {
  description: description.optional().describe('what the category is for'),
  invitations: z.boolean().optional().meta({ description: 'rooms may send invitations', default: false }),
  fileUpload: z.boolean().optional().meta({ description: 'files may be uploaded', default: false }),
  chatHistory: z.boolean().optional().meta({
    description: 'chats are kept for participants; the compliance record keeps them in any case',
    default: true,
  }),
}
const LISTS = {
  allowed: 'who may find and join its rooms: accounts, groups or domains',
  denied: 'who may not find or join its rooms; deny wins',
  creators: 'who may create rooms in it',
}

export const AddCategoryRequest = z.strictObject({
  name,
  ...switches,
  allowed: principals.optional().describe(LISTS.allowed),
  denied: principals.optional().describe(LISTS.denied),
  creators: principals.optional().describe(LISTS.creators),
})
export type AddCategoryRequest = z.infer<typeof AddCategoryRequest>

export const ChangeCategoryRequest = z.strictObject({
  name: name.optional().describe('a new name'),
  ...switches,
  allowed: PrincipalsChange.optional().describe(LISTS.allowed),
  denied: PrincipalsChange.optional().describe(LISTS.denied),
  creators: PrincipalsChange.optional().describe(LISTS.creators),
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
