import { z } from 'zod'
import { next } from './paging.ts'
import { BATCH_MAX } from './users.ts'

const name = z.string().min(1).max(256)
const privacy = z.enum(['open', 'closed'])

/** A room to add. `members` are accounts; a room of that name that exists already gains them and stays as it is. */
export const NewRoom = z.strictObject({
  name,
  privacy: privacy.default('open'),
  members: z.array(z.string().min(1).max(256)).max(16_000).optional(),
})
export type NewRoom = z.infer<typeof NewRoom>

export const AddRoomsRequest = z.strictObject({ rooms: z.array(NewRoom).min(1).max(BATCH_MAX) })
export type AddRoomsRequest = z.input<typeof AddRoomsRequest>

/** In the order asked for. */
export const AddRoomsReply = z.object({
  rooms: z.array(z.object({ name, uri: z.string(), created: z.boolean() })),
})
export type AddRoomsReply = z.infer<typeof AddRoomsReply>

export const RoomEntry = z.object({
  name,
  uri: z.string(),
  privacy,
  disabled: z.boolean(),
})
export type RoomEntry = z.infer<typeof RoomEntry>

export const ListRoomsReply = z.object({ rooms: z.array(RoomEntry), next })
export type ListRoomsReply = z.infer<typeof ListRoomsReply>
