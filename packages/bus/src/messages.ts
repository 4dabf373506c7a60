import { z } from 'zod'

/**
 * What services of a pool tell each other.
 *
 * All of it is a hint and may be lost, doubled or late: the pool database is what counts. A receiver that sees a gap
 * in a room's chat ids reads the missing ones there. `from` names the source that speaks, so that it can ignore itself.
 */
const room = z.number().int().nonnegative()
const from = z.string().min(1)

export const RoomMessage = z.discriminatedUnion('t', [
  /** Chats that are durable, in the order of their ids, each with the frame that is pushed to members as it is. */
  z.strictObject({
    t: z.literal('chats'),
    room,
    from,
    /** version of the room's rights when they were committed: who may not be told any more is put out first */
    rights: z.number().int().positive(),
    chats: z.array(z.strictObject({ id: z.number().int().positive(), frame: z.string() })),
  }),
  /** Chats were replaced or purged: the number of the room's newest edit. What they are now is read in the database. */
  z.strictObject({ t: z.literal('chats-edited'), room, from, edit: z.number().int().positive() }),
  z.strictObject({
    t: z.literal('presence'),
    room,
    from,
    /** version of the room's rights when it was recorded: who may not be told any more is put out first */
    rights: z.number().int().positive(),
    joined: z.boolean(),
    who: z.strictObject({ uri: z.string(), name: z.string() }),
  }),
  /** Name, members or rights of the room are no longer what they were. `rights`: their version now. */
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
  /** A channel service is stopping: nobody is to be sent to it any more. */
  z.strictObject({ t: z.literal('gone'), service: z.string().min(1) }),
  /** A lookup service answers at this base URL. */
  z.strictObject({ t: z.literal('lookup'), url: z.url() }),
  /** A user was disabled, given another policy or other roles, or signed out everywhere: look again who this is. */
  z.strictObject({ t: z.literal('principal-changed'), principals: z.array(z.number().int().positive()) }),
  /** Invitations are waiting for these. */
  z.strictObject({ t: z.literal('invited'), principals: z.array(z.number().int().positive()) }),
  /** These have put or deleted a feed: what they look for is to be read again. */
  z.strictObject({ t: z.literal('feeds-changed'), principals: z.array(z.number().int().positive()) }),
  /** Settings of the pool are no longer what they were. */
  z.strictObject({ t: z.literal('configuration-changed') }),
  /** A lookup service has just started and knows nobody. */
  z.strictObject({ t: z.literal('load-wanted') }),
])
export type PoolMessage = z.infer<typeof PoolMessage>

/**
 * A WebSocket upgrade that asks for this subprotocol opens no session: the channel service answers at once with its name,
 * and lookup services learn that clients can reach it.
 */
export const PROBE_PROTOCOL = 'hansard.probe'
/** The header of that answer: the name of the service. */
export const PROBE_HEADER = 'hansard-service'

export type BusMessage = RoomMessage | PoolMessage

export function isRoomMessage(message: BusMessage): message is RoomMessage {
  return 'room' in message
}
