import { z } from 'zod'

/**
 * What a client may say: JSON text frames over one WebSocket, `t` says which message it is.
 *
 * A client numbers its requests with `id`; the answer carries the same number in `re`. The first message on a
 * connection is `sign-in`. The answer to a request is either its own reply or `refused`.
 *
 * A client that may not see a room gets the same answers as for a room that does not exist.
 */
const id = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
export const chatId = z.number().int().nonnegative().max(Number.MAX_SAFE_INTEGER)
const uri = z.string().min(1).max(1_024)
const room = z.string().min(1).max(512)
const name = z.string().min(1).max(256)
/** The last millisecond since 1970 that a date can hold; beyond it there is no day to show. */
export const TIME_MAX = 8_640_000_000_000_000
const time = z.number().int().nonnegative().max(TIME_MAX)
const uris = z.array(uri).max(500)

export const RoomPrivacy = z.enum(['open', 'closed', 'secret'])
export const RoomType = z.enum(['normal', 'auditorium'])
export const RoomInvitations = z.enum(['inherit', 'off'])
const RoomRole = z.enum(['member', 'manager', 'presenter'])
const WordMatch = z.enum(['all', 'any', 'phrase'])

/** Selects chats by author (URIs), date range (milliseconds since 1970, both ends included) and words. */
export const ChatFilter = z.strictObject({
  words: z.string().max(1_024).optional(),
  /** `phrase`: the words side by side, in this order */
  match: WordMatch.default('all'),
  caseSensitive: z.boolean().default(false),
  authors: z.array(uri).max(100).optional(),
  from: time.optional(),
  to: time.optional(),
})
export type ChatFilter = z.infer<typeof ChatFilter>

/** What a feed matches: chats with any of the words or by any of the authors. */
export const FeedFilterMessage = z.strictObject({
  words: z.array(z.string().min(1).max(256)).max(50).default([]),
  authors: z.array(uri).max(50).default([]),
  /** the ego feed: also the owner's name and account */
  ego: z.boolean().default(false),
})
export type FeedFilterMessage = z.infer<typeof FeedFilterMessage>

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
    /** the token of this device, from an earlier sign-in with a password: wrong guesses made elsewhere do not delay it */
    device: z.string().max(64).optional(),
  }),
  z.strictObject({ t: z.literal('ping'), id }),
  /** Proves again who this is, before the session expires, with a newer token of the same account. */
  z.strictObject({ t: z.literal('renew'), id, token: z.string().max(256) }),
  /** Changes one's own password. Other sessions of the account end; this one goes on. */
  z.strictObject({
    t: z.literal('change-password'),
    id,
    password: z.string().min(1).max(1_024),
    newPassword: z.string().min(1).max(1_024),
    device: z.string().max(64).optional(),
  }),
  /** Ends this session: its tokens are refused from then on. `everywhere`: all sessions of the account. */
  z.strictObject({ t: z.literal('sign-out'), id, everywhere: z.boolean().default(false) }),

  /**
   * Joins a room. With `after`, the last chat id the client has, the client first receives every chat after that one,
   * in order, and then live chats. Without it, live chats begin now. A room without history catches up only clients
   * whose connection was lost within the last ten minutes, from the chat they had joined at. For other chats,
   * `chats-purged` says that they are gone. With `brief`, live chats come as `c`. Only a server that said `brief` when
   * it signed the client in knows it.
   */
  z.strictObject({ t: z.literal('join'), id, room, after: chatId.optional(), brief: z.literal(true).optional() }),
  z.strictObject({ t: z.literal('part'), id, room }),
  /**
   * Posts a chat. `post` is the client's own name for it, used once by a principal in a room. The same post under the
   * same name is recorded once, and answered with the chat id of the first time. Another post under a used name is
   * refused with `post-name-used`. Set `again: true` when repeating after a lost acknowledgement: the answer is then
   * the same for a principal that may not post any more. With `title` the chat is a story and `text` its body.
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
   * Replaces a chat's text, where the pool allows it. The record keeps the old text. A story stays a story: `title`,
   * for stories only, replaces its title; without it the title stays.
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
  /** Up to `limit` chats before chat id `before` (the newest when absent), oldest first. An audited read. */
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
   * Searches the rooms that the caller may read (all of them when `rooms` is absent). An audited read in each room that
   * has a result; a page has results from 100 rooms at most.
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
   * Lists rooms: those the caller may join, or with `all` every room it may see. Ordered by name; 100 unless `limit` is
   * set. Several rooms may have one name; their URIs differ. All criteria must hold. A criterion about something that a
   * room does not show to the caller matches no room.
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
    /** the room's own setting, not its category's */
    invitations: RoomInvitations.optional(),
    /** nobody may join a disabled room; its managers find it with `all` */
    disabled: z.boolean().optional(),
    /** a category's name; matches rooms that the caller manages, and all visible rooms of categories it may create rooms in */
    category: name.optional(),
    /** URI of a principal in the room's lists, directly or by group; other than the caller: only in rooms the caller manages */
    member: uri.optional(),
    manager: uri.optional(),
    /** URI of a principal that is in the room now; matches rooms that the caller may join */
    joined: uri.optional(),
    /** rooms whose lists name the caller as a member, as a manager */
    mine: z.boolean().optional(),
    managed: z.boolean().optional(),
    followed: z.boolean().optional(),
    invited: z.boolean().optional(),
    /** `next` of the page before, or a name: the rooms after it */
    after: z.string().max(1_024).optional(),
    limit: z.number().int().min(1).max(1_000).optional(),
  }),
  /** One room; its managers also see its roles. */
  z.strictObject({ t: z.literal('room'), id, room }),
  /** The categories that the caller may create rooms in. */
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
  /** `category` moves the room. Members that the category does not allow are dropped and reported. */
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
  /** Removes everything posted at or before `through`. It cannot be undone; the record keeps them. */
  z.strictObject({ t: z.literal('clear-room'), id, room, through: time }),
  /** Removes the chats the filter finds, or replaces their text. */
  z.strictObject({
    t: z.literal('purge-chats'),
    id,
    room,
    filter: ChatFilter,
    replacement: z.string().min(1).max(4_096).optional(),
  }),
  /** The principals that a room's or a category's roles may be given to; `text` may contain the wildcard `*`. */
  z.strictObject({
    t: z.literal('eligible'),
    id,
    room: room.optional(),
    category: name.optional(),
    presenters: z.boolean().optional(),
    text: z.string().max(256).optional(),
    limit: z.number().int().min(1).max(1_000).optional(),
  }),

  /** The pool keeps the list of followed rooms; the client joins them when it signs in. */
  z.strictObject({ t: z.literal('follow'), id, room }),
  z.strictObject({ t: z.literal('unfollow'), id, room }),
  /** The followed rooms, and how much is unread in them. */
  z.strictObject({ t: z.literal('followed'), id }),
  /** Marks everything up to this chat as read. Marks never go back. */
  z.strictObject({ t: z.literal('mark-read'), id, room, chat: chatId }),
  /** Asks for `new-content` notices of a readable room without joining it, until `unwatch` or the end of the session. */
  z.strictObject({ t: z.literal('watch'), id, room }),
  z.strictObject({ t: z.literal('unwatch'), id, room }),
  z.strictObject({ t: z.literal('feeds'), id }),
  z.strictObject({ t: z.literal('put-feed'), id, name, filter: FeedFilterMessage }),
  z.strictObject({ t: z.literal('delete-feed'), id, name }),
  /** The chats that a feed matches in the rooms the caller may read, newest first. An audited read. */
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
  /** `version` is the one it replaces: 0 for a new bundle. When the bundle has another version by now, the request is refused with `conflict`. */
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
