import { z } from 'zod'

/**
 * What a client may say: JSON text frames over one WebSocket, `t` says which message it is.
 *
 * A client numbers its requests with `id`; the answer carries the same number in `re`. The first message on a
 * connection is `sign-in`. The answer to a request is either its own reply or `refused`.
 *
 * Whoever may not see a room is answered as if it did not exist, whatever it asks.
 */
const id = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
export const chatId = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const uri = z.string().min(1).max(1_024)
const room = z.string().min(1).max(512)
const name = z.string().min(1).max(256)
const time = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const uris = z.array(uri).max(500)

export const RoomPrivacy = z.enum(['open', 'closed', 'secret'])
export const RoomType = z.enum(['normal', 'auditorium'])
export const RoomInvitations = z.enum(['inherit', 'off'])
export const RoomRole = z.enum(['member', 'manager', 'presenter'])
export const WordMatch = z.enum(['all', 'any', 'phrase'])

/** Which chats: by author (URIs), date range (milliseconds since 1970, both ends included), and words. */
export const ChatFilter = z.strictObject({
  words: z.string().max(1_024).optional(),
  /** `phrase`: the words as they stand, side by side */
  match: WordMatch.default('all'),
  caseSensitive: z.boolean().default(false),
  authors: z.array(uri).max(100).optional(),
  from: time.optional(),
  to: time.optional(),
})
export type ChatFilter = z.infer<typeof ChatFilter>

/** What a feed lets through: chats with any of the words or by any of the authors, as far as they are given. */
export const FeedFilter = z.strictObject({
  words: z.array(z.string().min(1).max(256)).max(50).default([]),
  authors: z.array(uri).max(50).default([]),
  /** the ego feed: one's own name and account besides */
  ego: z.boolean().default(false),
})
export type FeedFilter = z.infer<typeof FeedFilter>

const roomProperties = {
  name: name.optional(),
  description: z.string().max(256).optional(),
  topic: z.string().max(256).optional(),
  type: RoomType.optional(),
  privacy: RoomPrivacy.optional(),
  invitations: RoomInvitations.optional(),
  /** name of a registered add-in; null for none */
  addIn: name.nullable().optional(),
}

export const ClientMessage = z.discriminatedUnion('t', [
  /** With a token from the lookup service, or with account and password. */
  z.strictObject({
    t: z.literal('sign-in'),
    id,
    token: z.string().max(256).optional(),
    account: z.string().max(256).optional(),
    password: z.string().max(1_024).optional(),
  }),
  z.strictObject({ t: z.literal('ping'), id }),

  /**
   * Comes into a room. With `after`, the last chat id the client has, it first receives every chat
   * after that one, in order, then live talk. Without, live talk begins now.
   * A room without history does so only for somebody whose connection to it was lost within the last ten minutes, and from
   * where they had come in; of what others ask for, `chats-purged` says that it is gone.
   * With `brief`, live chats come as `c`. Only a server that said `brief` when it signed the client in knows it.
   */
  z.strictObject({ t: z.literal('join'), id, room, after: chatId.optional(), brief: z.literal(true).optional() }),
  z.strictObject({ t: z.literal('part'), id, room }),
  /**
   * Posts a chat. `post` is the client's own name for it: the same name posted again by the same
   * principal in the same room is recorded once, and answered with the chat id it was given then.
   * Say `again: true` when repeating after a lost acknowledgement. With `title` it is a story and `text` its body.
   */
  z.strictObject({
    t: z.literal('post'),
    id,
    room,
    post: z.string().regex(/^[\x21-\x7e]{1,64}$/, 'takes 1 to 64 printable ASCII characters'),
    text: z.string().min(1),
    again: z.boolean().optional(),
    alert: z.boolean().optional(),
    title: name.optional(),
  }),
  /**
   * Replaces a chat's text, where the pool lets one: the record keeps the old text. A story stays a story; `title` is for
   * one alone and replaces its title, which stays without.
   */
  z.strictObject({
    t: z.literal('replace-chat'),
    id,
    room,
    chat: chatId,
    text: z.string().min(1),
    title: name.optional(),
  }),
  z.strictObject({ t: z.literal('delete-chat'), id, room, chat: chatId }),
  /** Up to `limit` chats before chat id `before` (the newest when absent), oldest first. Recorded as a look. */
  z.strictObject({
    t: z.literal('history'),
    id,
    room,
    before: chatId.optional(),
    /** instead: chats after this id, oldest first */
    after: chatId.optional(),
    limit: z.number().int().min(1).optional(),
  }),
  /**
   * Searches rooms one may read (all of them when `rooms` is absent). Recorded as a look in each that has a result: a page
   * has results of 100 rooms at most.
   */
  z.strictObject({
    t: z.literal('search'),
    id,
    rooms: z.array(room).max(500).optional(),
    filter: ChatFilter,
    order: z.enum(['newest', 'oldest']).default('newest'),
    limit: z.number().int().min(1).optional(),
    /** `next` of the page before */
    after: z.string().max(256).optional(),
  }),
  /** Everybody in the room, also where there are too many for notices. */
  z.strictObject({ t: z.literal('roster'), id, room }),

  /**
   * Rooms one finds: those that may be joined, or with `all` every one that may be seen. By name, those after `after`; 100 when
   * `limit` does not say. All criteria must hold. One that is about what a room does not show to whoever asks is met by
   * no room, as if what it names were not there.
   */
  z.strictObject({
    t: z.literal('rooms'),
    id,
    all: z.boolean().optional(),
    text: z.string().max(256).optional(),
    match: z.enum(['all', 'any', 'exact']).optional(),
    inDescription: z.boolean().optional(),
    privacy: RoomPrivacy.optional(),
    type: RoomType.optional(),
    addIn: name.optional(),
    /** the room's own setting, whatever its category says */
    invitations: RoomInvitations.optional(),
    /** nobody may join a disabled room: its managers find it with `all` */
    disabled: z.boolean().optional(),
    /** a category's name; among rooms one manages, or all that one sees where one may make rooms */
    category: name.optional(),
    /** URIs of principals whom the room's lists name, themselves or in a group; anybody but oneself among rooms one manages */
    member: uri.optional(),
    manager: uri.optional(),
    /** URI of somebody who is in the room now; among rooms one may join */
    joined: uri.optional(),
    /** rooms whose lists name oneself as a member, as a manager */
    mine: z.boolean().optional(),
    managed: z.boolean().optional(),
    followed: z.boolean().optional(),
    invited: z.boolean().optional(),
    after: z.string().max(256).optional(),
    limit: z.number().int().min(1).max(1_000).optional(),
  }),
  /** One room: what it is; to its managers also whom it grants what. */
  z.strictObject({ t: z.literal('room'), id, room }),
  /** Categories one may make rooms in. */
  z.strictObject({ t: z.literal('categories'), id }),
  z.strictObject({ t: z.literal('add-ins'), id }),
  z.strictObject({
    t: z.literal('create-room'),
    id,
    category: name,
    ...roomProperties,
    name,
    members: uris.optional(),
    managers: uris.optional(),
    presenters: uris.optional(),
  }),
  /** With `category` it moves there; members that category does not allow are dropped and reported. */
  z.strictObject({ t: z.literal('change-room'), id, room, ...roomProperties, category: name.optional() }),
  z.strictObject({
    t: z.literal('change-roles'),
    id,
    room,
    role: RoomRole,
    add: uris.default([]),
    remove: uris.default([]),
  }),
  z.strictObject({ t: z.literal('disable-room'), id, room }),
  z.strictObject({ t: z.literal('enable-room'), id, room }),
  z.strictObject({ t: z.literal('delete-room'), id, room }),
  /** Removes everything posted at or before `through`. There is no way back, except in the record. */
  z.strictObject({ t: z.literal('clear-room'), id, room, through: time }),
  /** Removes the chats the filter finds, or replaces their text. */
  z.strictObject({
    t: z.literal('purge-chats'),
    id,
    room,
    filter: ChatFilter,
    replacement: z.string().min(1).max(4_096).optional(),
  }),
  /** Whom a room's or a category's roles may be given to; a wildcard `*` may stand in `text`. */
  z.strictObject({
    t: z.literal('eligible'),
    id,
    room: room.optional(),
    category: name.optional(),
    presenters: z.boolean().optional(),
    text: z.string().max(256).optional(),
    limit: z.number().int().min(1).max(1_000).optional(),
  }),

  /** Followed rooms are joined by the client when it signs in; the pool keeps the list. */
  z.strictObject({ t: z.literal('follow'), id, room }),
  z.strictObject({ t: z.literal('unfollow'), id, room }),
  /** The followed rooms with what is unread in them. */
  z.strictObject({ t: z.literal('followed'), id }),
  /** Everything up to this chat is read. Marks never go back. */
  z.strictObject({ t: z.literal('mark-read'), id, room, chat: chatId }),
  /** Asks for `new-content` notices of a room one may read, without joining it. They end with the session or `unwatch`. */
  z.strictObject({ t: z.literal('watch'), id, room }),
  z.strictObject({ t: z.literal('unwatch'), id, room }),
  z.strictObject({ t: z.literal('feeds'), id }),
  z.strictObject({ t: z.literal('put-feed'), id, name, filter: FeedFilter }),
  z.strictObject({ t: z.literal('delete-feed'), id, name }),
  /** What a feed has let through in the rooms one may read, newest first. Recorded as a look. */
  z.strictObject({
    t: z.literal('open-feed'),
    id,
    name,
    limit: z.number().int().min(1).optional(),
    after: z.string().max(256).optional(),
  }),
  /** Invitations after the last one the client has, in batches. */
  z.strictObject({
    t: z.literal('invitations'),
    id,
    after: chatId.default(0),
    limit: z.number().int().min(1).max(500).default(100),
  }),

  /** Preferences: bundles of text that a client keeps at the pool. Answered without content when `version` is current. */
  z.strictObject({ t: z.literal('preference'), id, label: name, version: chatId.optional() }),
  /** `version` is the one it replaces: 0 for a new bundle. A bundle that has moved on is refused with `conflict`. */
  z.strictObject({
    t: z.literal('put-preference'),
    id,
    label: name,
    version: chatId,
    content: z.string().max(131_072),
  }),

  /** A token to upload one file to the room, at the file service. */
  z.strictObject({
    t: z.literal('upload-token'),
    id,
    room,
    fileName: z.string().min(1).max(1_024),
    size: z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER),
  }),
  /** A token to download one file of the room: `file` is its id or `ma-filelink:` URI. */
  z.strictObject({ t: z.literal('download-token'), id, room, file: z.string().min(1).max(512) }),
])
export type ClientMessage = z.infer<typeof ClientMessage>
export type ClientMessageOf<T extends ClientMessage['t']> = Extract<ClientMessage, { t: T }>
