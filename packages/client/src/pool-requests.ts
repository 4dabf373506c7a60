import type { ClientMessageOf, FeedFilterMessage, ServerMessageOf, ChatFilter as WireChatFilter } from '@hansard/wire'
import type { ReplyTo, Requests } from './requests.ts'
import type { AddIn, Chat, HistoryOptions, HistoryPage, ReplaceOptions } from './room.ts'

export type RoomEntry = ServerMessageOf<'rooms'>['rooms'][number]
export type RoomInfo = ServerMessageOf<'room'>['room']
export type FoundChat = ServerMessageOf<'found'>['chats'][number]
export type Principal = ServerMessageOf<'eligible'>['principals'][number]
export type Invitation = ServerMessageOf<'invitations'>['invitations'][number]
export type FollowedRoom = ServerMessageOf<'followed'>['rooms'][number]
export type FileToken = Omit<ReplyTo<'upload-token'>, 't' | 're'> & {
  /** the same at every file service that is known: each takes the token */
  readonly urls: readonly string[]
}
export type ChatFilter = Partial<WireChatFilter>
/**
 * Which rooms: all of it must hold. `category`, and `member` and `manager` of anybody but you, find only rooms you
 * manage (`category` also those of a category you may make rooms in); `joined` only rooms you may join; `disabled`
 * needs `all`.
 */
export type RoomFilter = Omit<ClientMessageOf<'rooms'>, 't' | 'id' | 'after' | 'limit'>
export type RoomPage = { readonly rooms: readonly RoomEntry[]; readonly next: string | undefined }
export type RoomProperties = Omit<ClientMessageOf<'change-room'>, 't' | 'id' | 'room' | 'category'>
export type NewRoom = Omit<ClientMessageOf<'create-room'>, 't' | 'id'>
export type RoleChange = {
  readonly role: ClientMessageOf<'change-roles'>['role']
  readonly add?: readonly string[]
  readonly remove?: readonly string[]
}

/** What may be asked of the pool, in no room or without having joined it. Rooms and people are named by their URIs. */
export type PoolRequests = {
  /** The rooms you may join; with `all` every one you may see. */
  rooms(filter?: RoomFilter): Promise<RoomEntry[]>
  /** The same a page at a time, by name: 100 when `limit` does not say. `next` is what to ask `after` next. */
  roomsPage(filter?: RoomFilter, options?: { limit?: number; after?: string }): Promise<RoomPage>
  /** One room; to its managers also whom it grants what. */
  room(room: string): Promise<RoomInfo>
  /** Categories you may make rooms in. */
  categories(): Promise<ServerMessageOf<'categories'>['categories']>
  addIns(): Promise<AddIn[]>
  /** Makes a room, and you its manager. Answers its URI. */
  createRoom(room: NewRoom): Promise<{ uri: string; name: string }>
  /** With `category` it moves there. Answers the entries that the room no longer allows and that were dropped. */
  changeRoom(room: string, change: RoomProperties & { category?: string }): Promise<Dropped>
  changeRoles(room: string, change: RoleChange): Promise<Dropped>
  disableRoom(room: string): Promise<void>
  enableRoom(room: string): Promise<void>
  deleteRoom(room: string): Promise<void>
  /** Removes everything posted at or before `through` (milliseconds since 1970). Answers how many chats. */
  clearRoom(room: string, through: number): Promise<number>
  /** Removes the chats the filter finds, or puts `replacement` in the place of each, stories whole. Answers how many. */
  purgeChats(room: string, filter: ChatFilter, options?: { replacement?: string }): Promise<number>
  /** A story keeps its title unless you give another. */
  replaceChat(room: string, chat: number, text: string, options?: ReplaceOptions): Promise<void>
  deleteChat(room: string, chat: number): Promise<void>
  /** Whom a room's or a category's roles may be given to. `text` may hold the wildcard `*`. */
  eligible(options: Omit<ClientMessageOf<'eligible'>, 't' | 'id'>): Promise<Principal[]>
  /** History of a room you may join and need not have joined. The look is recorded. */
  history(room: string, options?: HistoryOptions): Promise<HistoryPage>
  /** Searches the rooms you may read. Each room with a result records the look. `next` is what to search `after` next. */
  search(
    filter: ChatFilter,
    options?: { rooms?: string[]; order?: 'newest' | 'oldest'; limit?: number; after?: string },
  ): Promise<Found>
  follow(room: string): Promise<void>
  unfollow(room: string): Promise<void>
  followed(): Promise<FollowedRoom[]>
  markRead(room: string, chat: number): Promise<void>
  feeds(): Promise<{ name: string; filter: FeedFilterMessage }[]>
  putFeed(name: string, filter: Partial<FeedFilterMessage>): Promise<void>
  deleteFeed(name: string): Promise<void>
  openFeed(name: string, options?: { limit?: number; after?: string }): Promise<Found>
  /** Invitations after the last one you have. */
  invitations(options?: { after?: number; limit?: number }): Promise<{ invitations: Invitation[]; more: boolean }>
  /** `content` is absent when `version` is current; version 0: there is no such bundle. */
  preference(label: string, options?: { version?: number }): Promise<{ version: number; content?: string | undefined }>
  /** Replaces `version` (0: a new bundle) and answers the new version; refused with `conflict` when it has moved on. */
  putPreference(label: string, bundle: { version: number; content: string }): Promise<number>
  uploadToken(room: string, file: { fileName: string; size: number }): Promise<FileToken>
  downloadToken(room: string, file: string): Promise<FileToken>
}
/** Entries of a room's lists that a change took along without being told to, each once. */
export type Dropped = {
  readonly dropped: readonly string[]
  /** the same by the list they stood in; a server of before does not tell */
  readonly droppedFrom: ServerMessageOf<'done'>['droppedFrom']
}
export type Found = {
  readonly chats: readonly FoundChat[]
  readonly exceeded: boolean
  readonly next: string | undefined
}

export function createPoolRequests({ ask }: Requests, fileUrls: (url: string) => string[]): PoolRequests {
  const nothing = () => {}
  const found = ({ chats, exceeded, next }: ServerMessageOf<'found'>): Found => ({ chats, exceeded, next })
  const dropped = (reply: ServerMessageOf<'done'>): Dropped => ({
    dropped: reply.dropped ?? [],
    droppedFrom: reply.droppedFrom,
  })
  const token = ({ t: _, re: __, ...rest }: ServerMessageOf<'file-token'>): FileToken => ({
    ...rest,
    urls: fileUrls(rest.url),
  })

  return {
    async rooms(filter = {}) {
      const rooms: RoomEntry[] = []
      let after: string | null = ''
      while (after !== null) {
        const page: ReplyTo<'rooms'> = await ask({ t: 'rooms', ...filter, limit: 1_000, ...(after && { after }) })
        rooms.push(...page.rooms)
        after = page.next
      }
      return rooms
    },
    async roomsPage(filter, options) {
      const { rooms, next } = await ask({ t: 'rooms', ...filter, ...options })
      return { rooms, next: next ?? undefined }
    },
    room: async (room) => (await ask({ t: 'room', room })).room,
    categories: async () => (await ask({ t: 'categories' })).categories,
    addIns: async () => (await ask({ t: 'add-ins' })).addIns,
    async createRoom(room) {
      const made = await ask({ t: 'create-room', ...room })
      return { uri: made.room, name: made.name }
    },
    changeRoom: (room, change) => ask({ t: 'change-room', room, ...change }).then(dropped),
    changeRoles: (room, { role, add = [], remove = [] }) =>
      ask({ t: 'change-roles', room, role, add: [...add], remove: [...remove] }).then(dropped),
    disableRoom: (room) => ask({ t: 'disable-room', room }).then(nothing),
    enableRoom: (room) => ask({ t: 'enable-room', room }).then(nothing),
    deleteRoom: (room) => ask({ t: 'delete-room', room }).then(nothing),
    clearRoom: async (room, through) => (await ask({ t: 'clear-room', room, through })).count ?? 0,
    purgeChats: async (room, filter, options) =>
      (await ask({ t: 'purge-chats', room, filter: whole(filter), ...options })).count ?? 0,
    replaceChat: (room, chat, text, options) => ask({ t: 'replace-chat', room, chat, text, ...options }).then(nothing),
    deleteChat: (room, chat) => ask({ t: 'delete-chat', room, chat }).then(nothing),
    eligible: async (options) => (await ask({ t: 'eligible', ...options })).principals,
    history: (room, options) => ask({ t: 'history', room, ...options }).then(historyPage),
    search: async (filter, { order = 'newest', ...options } = {}) =>
      found(await ask({ t: 'search', filter: whole(filter), order, ...options })),
    follow: (room) => ask({ t: 'follow', room }).then(nothing),
    unfollow: (room) => ask({ t: 'unfollow', room }).then(nothing),
    followed: async () => (await ask({ t: 'followed' })).rooms,
    markRead: (room, chat) => ask({ t: 'mark-read', room, chat }).then(nothing),
    feeds: async () => (await ask({ t: 'feeds' })).feeds,
    putFeed: (name, { words = [], authors = [], ego = false }) =>
      ask({ t: 'put-feed', name, filter: { words, authors, ego } }).then(nothing),
    deleteFeed: (name) => ask({ t: 'delete-feed', name }).then(nothing),
    openFeed: async (name, options) => found(await ask({ t: 'open-feed', name, ...options })),
    async invitations({ after = 0, limit = 100 } = {}) {
      const { invitations, more } = await ask({ t: 'invitations', after, limit })
      return { invitations, more }
    },
    async preference(label, options) {
      const { version, content } = await ask({ t: 'preference', label, ...options })
      return { version, content }
    },
    putPreference: async (label, bundle) => (await ask({ t: 'put-preference', label, ...bundle })).version,
    uploadToken: async (room, file) => token(await ask({ t: 'upload-token', room, ...file })),
    downloadToken: async (room, file) => token(await ask({ t: 'download-token', room, file })),
  }
}

export function historyPage({ chats, more }: ServerMessageOf<'history'>): { chats: Chat[]; more: boolean } {
  return { chats, more }
}

function whole(filter: ChatFilter): WireChatFilter {
  return { match: 'all', caseSensitive: false, ...filter }
}
