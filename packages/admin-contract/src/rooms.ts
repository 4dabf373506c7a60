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
  description: text.optional().describe('what the room is for'),
  topic: text.optional().describe('current topic'),
  type: RoomType.optional().describe('in an auditorium only presenters post'),
  privacy: RoomPrivacy.optional().describe(
    'open: everybody in scope may join; closed: members may join; secret: only they and managers see it',
  ),
  invitations: RoomInvitations.optional().describe('inherit: as the category is configured'),
  addIn: name.nullable().optional().describe('a registered add-in'),
}

/** One room with all its properties. A name that is taken is refused. The default privacy is closed. */
export const CreateRoomRequest = z.strictObject({
  name,
  category: name,
  ...properties,
  disabled: z.boolean().optional().describe('create it disabled: nobody may join'),
  members: principals.optional().describe('who may join a room that is not open'),
  managers: principals.optional().describe('who may manage the room'),
  presenters: principals.optional().describe('who may post in an auditorium'),
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
  name: name.optional().describe('a new name'),
  ...properties,
  category: name
    .optional()
    .describe('move the room to this category; principals that it does not allow are dropped and listed'),
  ...ChangeRoomRolesRequest.shape,
  dryRun: z.boolean().optional().describe('report who would be dropped and change nothing'),
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
  name: wildcard.optional().describe('room name; * matches any text'),
  searchDescription: flag.optional().describe('also match the description'),
  category: name.optional().describe('rooms of this category'),
  addIn: name.optional().describe('rooms with this add-in'),
  disabled: flag.optional().describe('only disabled rooms, or only enabled ones'),
  privacy: RoomPrivacy.optional().describe('only these'),
  type: RoomType.optional().describe('only these'),
  invitations: RoomInvitations.optional().describe('only these'),
  member: principal.optional().describe('rooms whose list of members contains this principal itself'),
  manager: principal.optional().describe('rooms whose list of managers contains this principal itself'),
  /** only among rooms that the caller may join, where the roster is shown to them */
  joined: principal.optional().describe('rooms this account is in now, among those you may join'),
  chatContentExceedsMb: z.coerce
    .number()
    .int()
    .nonnegative()
    .max(1_048_576)
    .optional()
    .describe('rooms whose kept chats take more than this, in units of 1,048,576 bytes'),
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
