import { z } from 'zod'
import { count, queryTime, timestamp } from './paging.ts'

const many = z.coerce.number().int().min(0).max(1_000).default(10)

/** Who used the pool, and which rooms were used, in `[start, end)`. */
export const UsageReportQuery = z.strictObject({
  /** thirty days before `end` when absent */
  start: queryTime.optional(),
  /** now when absent */
  end: queryTime.optional(),
  topUsers: many.describe('number of most active users to list'),
  topRooms: many.describe('number of most active rooms to list'),
  leastActiveRooms: many.describe('number of least active rooms to list'),
  /** rooms without a post since this time; left out when absent */
  roomsInactiveSince: queryTime.optional(),
})
export type UsageReportQuery = z.output<typeof UsageReportQuery>

const roomUse = z.object({
  uri: z.string(),
  name: z.string(),
  category: z.string(),
  chats: count,
  authors: count,
  /** another room may have taken the name of a deleted one */
  deleted: z.boolean(),
})

export const UsageReport = z.object({
  start: timestamp,
  end: timestamp,
  /** users who posted, rooms posted in, chats */
  users: count,
  rooms: count,
  chats: count,
  topUsers: z.array(z.object({ uri: z.string(), name: z.string(), chats: count, rooms: count })),
  topRooms: z.array(roomUse),
  /** rooms in use or not; rooms without a chat come first */
  leastActiveRooms: z.array(roomUse),
  roomsInactiveSince: z
    .object({
      since: timestamp,
      rooms: z.array(
        z.object({ uri: z.string(), name: z.string(), category: z.string(), lastChatAt: timestamp.nullable() }),
      ),
      /** there are more rooms than listed */
      more: z.boolean(),
    })
    .nullable(),
})
export type UsageReport = z.infer<typeof UsageReport>
