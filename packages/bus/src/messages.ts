import { z } from 'zod'

/**
 * Messages between the services of a pool.
 *
 * All of them are hints and may be lost, duplicated or late: the pool database is authoritative. A receiver that sees
 * a gap in a room's chat ids reads the missing chats there. `from` names the sending source, so that it can ignore
 * its own messages.
 */
const room = z.number().int().nonnegative()
const from = z.string().min(1)

export const RoomMessage = z.discriminatedUnion('t', [
  /** Durable chats, in the order of their ids, each with the frame that is delivered to members unchanged. */
  z.strictObject({
    t: z.literal('chats'),
    room,
    from,
    /** the room's rights version when they were committed: members who lost access are removed before delivery */
    rights: z.number().int().positive(),
    chats: z.array(z.strictObject({ id: z.number().int().positive(), frame: z.string() })),
  }),
  /**
   * Chats were replaced or purged: the number of the room's newest edit. Their current state is read from the
   * database.
   */
  z.strictObject({ t: z.literal('chats-edited'), room, from, edit: z.number().int().positive() }),
  /** Joins and parts, in their order. */
  z.strictObject({
    t: z.literal('presences'),
    room,
    from,
    /** the room's rights version when the last was recorded: members who lost access are removed before delivery */
    rights: z.number().int().positive(),
    people: z.array(z.strictObject({ joined: z.boolean(), uri: z.string(), name: z.string() })),
  }),
  /** The room's name, members or rights have changed. `rights`: their current version. */
  z.strictObject({ t: z.literal('room-changed'), room, from, rights: z.number().int().positive().optional() }),
])
export type RoomMessage = z.infer<typeof RoomMessage>

export const PoolMessage = z.discriminatedUnion('t', [
  /** A channel service's current session count. */
  z.strictObject({
    t: z.literal('load'),
    service: z.string().min(1),
    endpoint: z.string().min(1),
    sessions: z.number().int().nonnegative(),
    sessionsMax: z.number().int().positive(),
  }),
  /** The channel service is stopping: assign no more clients to it. */
  z.strictObject({ t: z.literal('gone'), service: z.string().min(1) }),
  /** A lookup service is reachable at this base URL. */
  z.strictObject({ t: z.literal('lookup'), url: z.url() }),
  /** The user was disabled, got another policy or other roles, or was signed out everywhere: load the account again. */
  z.strictObject({ t: z.literal('principal-changed'), principals: z.array(z.number().int().positive()) }),
  /** These principals have new invitations. */
  z.strictObject({ t: z.literal('invited'), principals: z.array(z.number().int().positive()) }),
  /** These principals have saved or deleted a feed: load their feeds again. */
  z.strictObject({ t: z.literal('feeds-changed'), principals: z.array(z.number().int().positive()) }),
  /** The pool's settings have changed. */
  z.strictObject({ t: z.literal('configuration-changed') }),
  /** A lookup service has just started and knows no channel service. */
  z.strictObject({ t: z.literal('load-wanted') }),
])
export type PoolMessage = z.infer<typeof PoolMessage>

/**
 * A WebSocket upgrade with this subprotocol opens no session: the channel service replies at once with its name,
 * which tells lookup services that clients can reach it.
 */
export const PROBE_PROTOCOL = 'hansard.probe'
/** The header of that reply: the name of the service. */
export const PROBE_HEADER = 'hansard-service'

export type BusMessage = RoomMessage | PoolMessage

export function isRoomMessage(message: BusMessage): message is RoomMessage {
  return 'room' in message
}
