/**
 * `open`: everybody in the category's scope finds and joins it. `closed`: everybody in scope finds it, and its
 * members join. `secret`: only its members and managers know that it exists.
 */
export const ROOM_PRIVACIES = ['open', 'closed', 'secret'] as const
export type RoomPrivacy = (typeof ROOM_PRIVACIES)[number]

/** In an `auditorium` members read and only presenters post. */
export const ROOM_TYPES = ['normal', 'auditorium'] as const
export type RoomType = (typeof ROOM_TYPES)[number]

/** A room inherits its category's invitations or has none. It cannot enable what its category disables. */
export const ROOM_INVITATIONS = ['inherit', 'off'] as const
export type RoomInvitations = (typeof ROOM_INVITATIONS)[number]

/** The roles a room grants to a user, a group or a domain. A manager runs the room without being a member. */
export const ROOM_ROLES = ['member', 'manager', 'presenter'] as const
export type RoomRole = (typeof ROOM_ROLES)[number]

/** The pool roles of an account, beyond chatting. Nobody has one by default, and none implies another. */
export const POOL_ROLES = ['administrator', 'operator', 'officer', 'auditor'] as const
export type PoolRole = (typeof POOL_ROLES)[number]

/** The lists of a category's scope. Deny wins; a creator must be allowed and not denied. */
export const SCOPE_LISTS = ['allowed', 'denied', 'creator'] as const
export type ScopeList = (typeof SCOPE_LISTS)[number]

/** The switches of a category that apply to its rooms. */
export type CategorySwitches = {
  readonly invitations: boolean
  readonly fileUpload: boolean
  /** false: chats are delivered and recorded for compliance, and kept for no participant */
  readonly chatHistory: boolean
}

/** What the access rules need to know about a room. */
export type RoomRules = {
  readonly type: RoomType
  readonly privacy: RoomPrivacy
  readonly disabled: boolean
  readonly invitations: RoomInvitations
  readonly category: CategorySwitches
}
