import { ROOM_INVITATIONS, ROOM_PRIVACIES, ROOM_TYPES } from '@hansard/rooms'
import { z } from 'zod'
import { count, flag, next, page, timestamp, wildcard } from './paging.ts'
import { PrincipalEntry, PrincipalsChange, principal, principals } from './principals.ts'
import { BATCH_MAX } from './users.ts'

const name = z.string().min(1).max(256)
const text = z.string().max(256)
const RoomPrivacy = z.enum(ROOM_PRIVACIES)
const RoomType = z.enum(ROOM_TYPES)
const RoomInvitations = z.enum(ROOM_INVITATIONS)

/**
 * A room to add. `members` are accounts. If a room of that name exists, it gains the members and does not change
 * otherwise.
 */
export const NewRoom = z.strictObject({
  name,
  privacy: RoomPrivacy.default('open'),
  /** the pool's default category when absent */
  category: name.optional(),
  members: principals.optional(),
})
export type NewRoom = z.infer<typeof NewRoom>

export const AddRoomsRequest = z.strictObject({ rooms: z.array(NewRoom).min(1).max(BATCH_MAX) })
export type AddRoomsRequest = z.input<typeof AddRoomsRequest>

/** In the order of the request. */
export const AddRoomsReply = z.object({
  rooms: z.array(z.object({ name, uri: z.string(), created: z.boolean() })),
})
export type AddRoomsReply = z.infer<typeof AddRoomsReply>

const properties = {
  description: text.optional(),
  topic: text.optional(),
  /** in an `auditorium` only presenters post */
  type: RoomType.optional(),
  /** `open`: everybody in scope may join; `closed`: members may join; `secret`: only they and managers see it */
  privacy: RoomPrivacy.optional(),
  /** `inherit`: as the category is configured */
  invitations: RoomInvitations.optional(),
  /** name of a registered add-in; null for none */
  addIn: name.nullable().optional(),
}

/** One room with all its properties. A name that is taken is refused. The default privacy is closed. */
export const CreateRoomRequest = z.strictObject({
  name,
  category: name,
  ...properties,
  disabled: z.boolean().optional(),
  members: principals.optional(),
  managers: principals.optional(),
  presenters: principals.optional(),
})
export type CreateRoomRequest = z.infer<typeof CreateRoomRequest>

/** Presenters must be members; every principal must be in the category's scope. */
export const ChangeRoomRolesRequest = z.strictObject({
  members: PrincipalsChange.optional(),
  managers: PrincipalsChange.optional(),
  presenters: PrincipalsChange.optional(),
})
export type ChangeRoomRolesRequest = z.infer<typeof ChangeRoomRolesRequest>

/** One change, all or nothing. An absent property does not change. Disabling and enabling have their own routes. */
export const ChangeRoomRequest = z.strictObject({
  name: name.optional(),
  ...properties,
  /** moves the room to this category; principals that the category does not allow are dropped from the lists */
  category: name.optional(),
  ...ChangeRoomRolesRequest.shape,
  /** report who would be dropped and change nothing */
  dryRun: z.boolean().optional(),
})
export type ChangeRoomRequest = z.infer<typeof ChangeRoomRequest>

export const MoveRoomRequest = z.strictObject({ category: name })
export type MoveRoomRequest = z.infer<typeof MoveRoomRequest>

export const RoomEntry = z.object({
  name,
  uri: z.string(),
  description: z.string(),
  topic: z.string(),
  category: z.string(),
  type: RoomType,
  privacy: RoomPrivacy,
  invitations: RoomInvitations,
  addIn: z.string().nullable(),
  disabled: z.boolean(),
  createdAt: timestamp,
})
export type RoomEntry = z.infer<typeof RoomEntry>

/** For a caller without a role in the pool: the rooms it manages. */
export const ListRoomsQuery = z.strictObject({
  ...page,
  name: wildcard.optional(),
  /** the filter also matches the description */
  searchDescription: flag.optional(),
  category: name.optional(),
  addIn: name.optional(),
  disabled: flag.optional(),
  privacy: RoomPrivacy.optional(),
  type: RoomType.optional(),
  invitations: RoomInvitations.optional(),
  /** rooms whose list of members contains this principal itself */
  member: principal.optional(),
  manager: principal.optional(),
  /** rooms this account is in now; only among rooms that the caller may join, where the caller may see the roster */
  joined: principal.optional(),
  /** rooms whose kept chats take more than this, in units of 1,048,576 bytes */
  chatContentExceedsMb: z.coerce.number().int().nonnegative().max(1_048_576).optional(),
})
export type ListRoomsQuery = z.output<typeof ListRoomsQuery>

/** By name, ascending. */
export const ListRoomsReply = z.object({ rooms: z.array(RoomEntry), next })
export type ListRoomsReply = z.infer<typeof ListRoomsReply>

export const RoomDetail = RoomEntry.extend({
  members: z.array(PrincipalEntry),
  managers: z.array(PrincipalEntry),
  presenters: z.array(PrincipalEntry),
})
export type RoomDetail = z.infer<typeof RoomDetail>

const uris = z.array(z.string())

/**
 * The room after the change. `dropped`: URIs that lost a role without being named in the request, each once. Reasons:
 * the new category does not allow them, a normal room has no presenters, or a principal that is no longer a member
 * cannot be a presenter. `droppedFrom`: the same by list.
 */
export const ChangeRoomReply = RoomDetail.extend({
  dropped: uris,
  droppedFrom: z.object({ members: uris, managers: uris, presenters: uris }),
  dryRun: z.boolean(),
})
export type ChangeRoomReply = z.infer<typeof ChangeRoomReply>

export const ClearRoomRequest = z.strictObject({
  /** removes chats posted at or before this time permanently; the compliance record keeps them */
  through: timestamp,
  /** count them and change nothing */
  dryRun: z.boolean().optional(),
})
export type ClearRoomRequest = z.infer<typeof ClearRoomRequest>

export const ChatsChangedReply = z.object({ chats: count, dryRun: z.boolean() })
export type ChatsChangedReply = z.infer<typeof ChatsChangedReply>

/** The principals that a category or a room may have in its lists: give one of the two. */
export const EligiblePrincipalsQuery = z.strictObject({
  category: name.optional(),
  room: z.string().min(1).max(512).optional(),
  /** the principals that the auditorium `room` may make presenters: its members */
  presenters: flag.optional(),
  /** a wildcard matched against URI and name */
  filter: wildcard.optional(),
  resultSize: z.coerce.number().int().min(0).max(10_000).default(1_000),
})
export type EligiblePrincipalsQuery = z.output<typeof EligiblePrincipalsQuery>

export const EligiblePrincipalsReply = z.object({
  principals: z.array(PrincipalEntry),
  /** there are more than `limit` */
  more: z.boolean(),
})
export type EligiblePrincipalsReply = z.infer<typeof EligiblePrincipalsReply>
