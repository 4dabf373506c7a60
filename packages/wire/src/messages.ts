import { z } from 'zod'

/**
 * The client protocol: JSON text frames over one WebSocket, `t` says which message it is.
 *
 * A client numbers its requests with `id`; the answer carries the same number in `re`. The first message
 * on a connection is `sign-in`. The answer to a request is either its own reply or `refused`. Everything
 * without `re` is pushed: `chat`, `participant-joined`, `participant-parted`, `room-closed`.
 *
 * A server tells a client `posted` only after the chat is durable. Pushed chats of a room arrive in the
 * order of their ids, without a hole, from the id the client joined at.
 */
const id = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const room = z.string().min(1).max(512)
const chatId = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)

export const ClientMessage = z.discriminatedUnion('t', [
  /** With a token from the lookup service, or with account and password. */
  z.strictObject({
    t: z.literal('sign-in'),
    id,
    token: z.string().max(256).optional(),
    account: z.string().max(256).optional(),
    password: z.string().max(1_024).optional(),
  }),
  /**
   * Comes into a room. With `after`, the last chat id the client has, it first receives every chat
   * after that one, in order, then live talk. Without, live talk begins now.
   */
  z.strictObject({ t: z.literal('join'), id, room, after: chatId.optional() }),
  z.strictObject({ t: z.literal('part'), id, room }),
  /**
   * Posts a chat. `post` is the client's own name for it: the same name posted again by the same
   * principal in the same room is recorded once, and answered with the chat id it was given then.
   * Say `again: true` when repeating after a lost acknowledgement.
   */
  z.strictObject({
    t: z.literal('post'),
    id,
    room,
    post: z.string().regex(/^[\x21-\x7e]{1,64}$/, 'takes 1 to 64 printable ASCII characters'),
    text: z.string().min(1),
    again: z.boolean().optional(),
  }),
  /** Up to `limit` chats before chat id `before` (the newest when absent), oldest first. Recorded as a look. */
  z.strictObject({
    t: z.literal('history'),
    id,
    room,
    before: chatId.optional(),
    limit: z.number().int().min(1).optional(),
  }),
  z.strictObject({ t: z.literal('roster'), id, room }),
  /** The rooms this principal may join. */
  z.strictObject({ t: z.literal('rooms'), id }),
  z.strictObject({ t: z.literal('ping'), id }),
])
export type ClientMessage = z.infer<typeof ClientMessage>
export type ClientMessageOf<T extends ClientMessage['t']> = Extract<ClientMessage, { t: T }>

/** Stable names of an expected no. They are part of the protocol. */
export const REFUSALS = [
  'malformed',
  'unknown-message',
  'not-signed-in',
  'already-signed-in',
  'wrong-credentials',
  'too-many-attempts',
  'no-such-room',
  'not-a-member',
  'room-disabled',
  'not-joined',
  'already-joined',
  'too-long',
  'too-fast',
  'too-many-rooms',
  /** The record could not be written just now. Nothing was lost; repeat with the same `post` name. */
  'try-again',
  'stopping',
] as const
export type Refusal = (typeof REFUSALS)[number]

const person = z.object({ uri: z.string(), name: z.string() })
const HistoryChat = z.object({ chat: chatId, at: z.number(), from: person, text: z.string() })
export type HistoryChat = z.infer<typeof HistoryChat>

export const ServerMessage = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('signed-in'),
    re: id,
    session: z.string(),
    principal: z.object({ id: z.number(), uri: z.string(), name: z.string() }),
    limits: z.record(z.string(), z.number()),
  }),
  /** `last` is the newest chat id of the room at the moment of joining; chats after it (or after `after`) follow. */
  z.object({
    t: z.literal('joined'),
    re: id,
    room: z.string(),
    name: z.string(),
    last: chatId,
    participants: z.number(),
  }),
  z.object({ t: z.literal('parted'), re: id, room: z.string() }),
  z.object({ t: z.literal('posted'), re: id, chat: chatId, at: z.number() }),
  z.object({ t: z.literal('history'), re: id, room: z.string(), chats: z.array(HistoryChat), more: z.boolean() }),
  z.object({ t: z.literal('roster'), re: id, room: z.string(), participants: z.array(person) }),
  z.object({
    t: z.literal('rooms'),
    re: id,
    rooms: z.array(z.object({ uri: z.string(), name: z.string(), privacy: z.string() })),
  }),
  z.object({ t: z.literal('pong'), re: id }),
  /** `re` is absent when the frame was too broken to have a number. */
  z.object({ t: z.literal('refused'), re: id.optional(), code: z.enum(REFUSALS), message: z.string() }),
  z.object({ t: z.literal('chat'), room: z.string(), chat: chatId, at: z.number(), from: person, text: z.string() }),
  z.object({ t: z.literal('participant-joined'), room: z.string(), who: person }),
  z.object({ t: z.literal('participant-parted'), room: z.string(), who: person }),
  z.object({ t: z.literal('room-closed'), room: z.string(), reason: z.string() }),
])
export type ServerMessage = z.infer<typeof ServerMessage>
export type ServerMessageOf<T extends ServerMessage['t']> = Extract<ServerMessage, { t: T }>

/** The text of a pushed `chat`, built once per room and written to every member as it is. */
export function chatFrame(chat: {
  room: string
  chat: number
  at: number
  from: { uri: string; name: string }
  text: string
}): string {
  return JSON.stringify({
    t: 'chat',
    room: chat.room,
    chat: chat.chat,
    at: chat.at,
    from: { uri: chat.from.uri, name: chat.from.name },
    text: chat.text,
  } satisfies ServerMessageOf<'chat'>)
}
