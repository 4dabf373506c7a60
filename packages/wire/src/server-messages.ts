import { z } from 'zod'
import { chatId, FeedFilterMessage, RoomInvitations, RoomPrivacy, RoomType } from './client-messages.ts'
import { REFUSALS } from './refusals.ts'

/**
 * What a server says. Everything without `re` is pushed: `chat`, `c`, `chat-replaced`, `chat-purged`, `chats-purged`,
 * `participant-joined`, `participant-parted`, `participants-hidden`, `participants-shown`, `room-changed`,
 * `room-closed`, `new-content`, `feed-match`, `invited`.
 *
 * A server tells a client `posted` only after the chat is durable. Pushed chats of a room arrive in the order of
 * their ids from the id the client joined at, without a hole: where chats are gone, or this client may
 * not have them, `chats-purged` says so.
 */
const re = z.number().int().nonnegative()
const room = z.string()
const person = z.object({ uri: z.string(), name: z.string() })
const told = {
  chat: chatId,
  at: z.number(),
  from: person,
  text: z.string(),
  /** of high importance */
  alert: z.literal(true).optional(),
  /** the chat is a story */
  title: z.string().optional(),
  /** it was not posted in this pool: who imported it, and when. Author, time and text are what the imported file says */
  imported: z.object({ by: z.string(), at: z.number() }).optional(),
}
export const HistoryChat = z.object({
  ...told,
  /** an administrator or manager has replaced the text that was posted */
  replaced: z.literal(true).optional(),
})
export type HistoryChat = z.infer<typeof HistoryChat>

const RoomEntry = z.object({
  uri: z.string(),
  name: z.string(),
  privacy: RoomPrivacy,
  description: z.string(),
  topic: z.string(),
  type: RoomType,
  disabled: z.boolean(),
})
const principalEntry = z.object({ uri: z.string(), name: z.string(), type: z.enum(['user', 'group', 'domain']) })

export const ServerMessage = z.discriminatedUnion('t', [
  z.object({
    t: z.literal('signed-in'),
    re,
    session: z.string(),
    principal: z.object({ id: z.number(), uri: z.string(), name: z.string() }),
    limits: z.record(z.string(), z.number()),
    /** milliseconds until the session ends unless it is renewed */
    expiresIn: z.number().optional(),
    /** for this device to keep, after a sign-in with a password on a device that was not known */
    device: z.string().optional(),
    /** URL at which rooms are managed in a browser, when the pool has one */
    roomManagementUrl: z.string().optional(),
    /** this server takes `brief` in `join` */
    brief: z.literal(true).optional(),
  }),
  z.object({ t: z.literal('pong'), re }),
  z.object({ t: z.literal('renewed'), re, expiresIn: z.number() }),
  /** `last` is the newest chat id of the room at the moment of joining; chats after it (or after `after`) follow. */
  z.object({
    t: z.literal('joined'),
    re,
    room,
    name: z.string(),
    last: chatId,
    participants: z.number(),
    topic: z.string(),
    type: RoomType,
    mayPost: z.boolean(),
    addIn: z.object({ name: z.string(), url: z.string() }).nullable(),
    /** stands for the room in `c`, on this connection and until the client leaves the room; only when `brief` was asked for */
    ref: chatId.optional(),
  }),
  z.object({ t: z.literal('parted'), re, room }),
  z.object({ t: z.literal('posted'), re, chat: chatId, at: z.number() }),
  /** `off`: the room's category keeps no history. */
  z.object({ t: z.literal('history'), re, room, chats: z.array(HistoryChat), more: z.boolean() }),
  z.object({
    t: z.literal('found'),
    re,
    chats: z.array(HistoryChat.extend({ room, roomName: z.string() })),
    /** there are more: ask again with `after: next` */
    exceeded: z.boolean(),
    next: z.string().optional(),
  }),
  z.object({ t: z.literal('roster'), re, room, participants: z.array(person) }),
  z.object({ t: z.literal('rooms'), re, rooms: z.array(RoomEntry), next: z.string().nullable() }),
  z.object({
    t: z.literal('room'),
    re,
    room: RoomEntry.extend({
      invitations: RoomInvitations,
      addIn: z.object({ name: z.string(), url: z.string() }).nullable(),
      createdAt: z.number(),
      mayJoin: z.boolean(),
      mayPost: z.boolean(),
      mayManage: z.boolean(),
      /** to managers of the room and creators of the category only */
      category: z.string().optional(),
      /** to managers only */
      members: z.array(principalEntry).optional(),
      managers: z.array(principalEntry).optional(),
      presenters: z.array(principalEntry).optional(),
    }),
  }),
  z.object({
    t: z.literal('categories'),
    re,
    categories: z.array(z.object({ name: z.string(), description: z.string() })),
  }),
  z.object({ t: z.literal('add-ins'), re, addIns: z.array(z.object({ name: z.string(), url: z.string() })) }),
  z.object({ t: z.literal('room-created'), re, room, name: z.string() }),
  /**
   * A change was made. `dropped`: entries of the room's lists that were removed as a consequence, each once;
   * `droppedFrom`: the same by list; `count`: chats that were changed.
   */
  z.object({
    t: z.literal('done'),
    re,
    dropped: z.array(z.string()).optional(),
    droppedFrom: z
      .object({ members: z.array(z.string()), managers: z.array(z.string()), presenters: z.array(z.string()) })
      .optional(),
    count: z.number().optional(),
  }),
  z.object({ t: z.literal('eligible'), re, principals: z.array(principalEntry) }),
  z.object({
    t: z.literal('followed'),
    re,
    rooms: z.array(z.object({ uri: z.string(), name: z.string(), last: chatId, read: chatId, unread: z.number() })),
  }),
  z.object({ t: z.literal('feeds'), re, feeds: z.array(z.object({ name: z.string(), filter: FeedFilterMessage })) }),
  z.object({
    t: z.literal('invitations'),
    re,
    invitations: z.array(z.object({ invitation: chatId, room, roomName: z.string(), from: person, at: z.number() })),
    more: z.boolean(),
  }),
  /** `content` is absent when the version the client has is current; version 0: there is no such bundle. */
  z.object({ t: z.literal('preference'), re, label: z.string(), version: chatId, content: z.string().optional() }),
  /** How to use it: docs/files.md. `file` is the id that `ma-filelink:` URIs end in. */
  z.object({
    t: z.literal('file-token'),
    re,
    file: z.string(),
    token: z.string(),
    /** of the file service */
    url: z.string(),
    expiresAt: z.number(),
    fileName: z.string(),
    size: z.number(),
  }),
  /** `re` is absent when the frame was too broken to have a number. `retryAfterMs`: repeated sooner, it is refused again. */
  z.object({
    t: z.literal('refused'),
    re: re.optional(),
    code: z.enum(REFUSALS),
    message: z.string(),
    retryAfterMs: z.int().positive().optional(),
  }),

  /** `replaced`: caught up with after its text was replaced. */
  z.object({ t: z.literal('chat'), room, ...told, replaced: z.literal(true).optional() }),
  /**
   * A live chat for a participant who joined with `brief`: like `chat`, without what the client knows since it joined.
   * `r` is the `ref` of the room, `from` and `name` are the author's. Chats that are caught up with come as `chat`.
   */
  z.object({
    t: z.literal('c'),
    r: chatId,
    chat: chatId,
    at: z.number(),
    from: z.string(),
    name: z.string(),
    text: z.string(),
    alert: z.literal(true).optional(),
    title: z.string().optional(),
  }),
  /** The chat's new content. Without `title` it is not a story, even if it was one. */
  z.object({ t: z.literal('chat-replaced'), room, chat: chatId, text: z.string(), title: z.string().optional() }),
  z.object({ t: z.literal('chat-purged'), room, chat: chatId }),
  /**
   * Replaces chats that are gone: nothing will come for these ids, both ends included. They were purged, or posted in a
   * room without history while this client's user was not there.
   */
  z.object({ t: z.literal('chats-purged'), room, from: chatId, through: chatId }),
  z.object({ t: z.literal('participant-joined'), room, who: person }),
  z.object({ t: z.literal('participant-parted'), room, who: person }),
  /** The room has too many participants for join and part notices; `roster` still lists them. */
  z.object({ t: z.literal('participants-hidden'), room, participants: z.number() }),
  /** Join and part notices begin again; the roster may have changed in between. */
  z.object({ t: z.literal('participants-shown'), room, participants: z.number() }),
  z.object({
    t: z.literal('room-changed'),
    room,
    name: z.string(),
    topic: z.string(),
    type: RoomType,
    mayPost: z.boolean(),
  }),
  /** This session was put out of the room, because it was `removed`, or the room was `disabled` or `deleted`. */
  z.object({ t: z.literal('room-closed'), room, reason: z.string() }),
  z.object({ t: z.literal('new-content'), room, last: chatId }),
  /**
   * Sent after the chat itself, to sessions that received it, in the order of the chats. A server that cannot keep up
   * with the comparing leaves some out; `open-feed` shows all of them.
   */
  z.object({ t: z.literal('feed-match'), feed: z.string(), room, chat: chatId }),
  /** New invitations are waiting. */
  z.object({ t: z.literal('invited') }),
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
  alert?: boolean | undefined
  title?: string | undefined
  replaced?: boolean | undefined
  imported?: { readonly by: string; readonly at: number } | undefined
}): string {
  return JSON.stringify({
    t: 'chat',
    room: chat.room,
    chat: chat.chat,
    at: chat.at,
    from: { uri: chat.from.uri, name: chat.from.name },
    text: chat.text,
    ...(chat.alert ? { alert: true as const } : {}),
    ...(chat.title === undefined ? {} : { title: chat.title }),
    ...(chat.replaced ? { replaced: true as const } : {}),
    ...(chat.imported ? { imported: chat.imported } : {}),
  } satisfies ServerMessageOf<'chat'>)
}

/** The same chat as a `c`, of the text of its `chat`. */
export function briefChatFrame(frame: string, ref: number): string {
  const { chat, at, from, text, alert, title } = JSON.parse(frame) as ServerMessageOf<'chat'>
  return JSON.stringify({
    t: 'c',
    r: ref,
    chat,
    at,
    from: from.uri,
    name: from.name,
    text,
    ...(alert ? { alert: true as const } : {}),
    ...(title === undefined ? {} : { title }),
  } satisfies ServerMessageOf<'c'>)
}

/** The text of a pushed `chat-replaced` (with `text`, of a story with `title`) or `chat-purged` (without). */
export function chatChangedFrame(change: {
  room: string
  chat: number
  text?: string | undefined
  title?: string | undefined
}): string {
  const { room, chat, text, title } = change
  const message: ServerMessageOf<'chat-replaced' | 'chat-purged'> =
    text === undefined
      ? { t: 'chat-purged', room, chat }
      : { t: 'chat-replaced', room, chat, text, ...(title === undefined ? {} : { title }) }
  return JSON.stringify(message)
}
