import { z } from 'zod'
import { count, next, page, timestamp, wildcard } from './paging.ts'
import { PrincipalEntry, PrincipalsChange, principal, principals } from './principals.ts'

const name = z.string().min(1).max(256)

/** A group of users, of groups, or of whole domains. Groups nest; a group cannot contain itself at any depth. */
export const AddGroupRequest = z.strictObject({
  name,
  displayName: name.optional().describe('display name'),
  email: z.string().max(320).optional().describe('mail address of the group'),
  members: principals.optional().describe('an account, a group or a domain'),
})
export type AddGroupRequest = z.infer<typeof AddGroupRequest>

export const Group = z.object({ uri: z.string(), name, displayName: z.string(), members: count })
export type Group = z.infer<typeof Group>

export const ListGroupsQuery = z.strictObject({
  ...page,
  name: wildcard.optional(),
  /** groups that have this principal as a direct member */
  member: principal.optional(),
})
export type ListGroupsQuery = z.output<typeof ListGroupsQuery>

/** By name, ascending. */
export const ListGroupsReply = z.object({ groups: z.array(Group), next })
export type ListGroupsReply = z.infer<typeof ListGroupsReply>

/** `members` are the group's direct members; members of nested groups are not listed. */
export const GroupDetail = Group.extend({ createdAt: timestamp, members: z.array(PrincipalEntry) })
export type GroupDetail = z.infer<typeof GroupDetail>

export const ChangeGroupRequest = z.strictObject({
  displayName: name.optional().describe('display name'),
  members: PrincipalsChange.optional(),
})
export type ChangeGroupRequest = z.infer<typeof ChangeGroupRequest>
