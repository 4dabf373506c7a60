import type { HistoryChat, ServerMessageOf } from '@hansard/wire'

export type Chat = HistoryChat
export type Person = { readonly uri: string; readonly name: string }
export type Posted = { readonly chat: number; readonly at: number }

/** What a room is, as its members see it. */
export type RoomLook = Pick<ServerMessageOf<'room-changed'>, 'name' | 'topic' | 'type' | 'mayPost'>
export type AddIn = { readonly name: string; readonly url: string }

export type PostOptions = {
  /** the post's own name (1 to 64 characters) */
  readonly name?: string
  /** of high importance */
  readonly alert?: boolean
  /** makes it a story: a longer text behind a title */
  readonly title?: string
}

/**
 * What a program wants to hear of a room. Given when joining, because the first chat may arrive together
 * with the answer to the join.
 */
export type RoomListeners = {
  /** Every chat from the joining on (or after `after`), once, in order, reconnections or not; your own too. */
  readonly onChat?: (chat: Chat) => void
  /** A chat you may have been given has another text now. Without `title` it is no story, whatever it was. */
  readonly onChatReplaced?: (change: { chat: number; text: string; title?: string }) => void
  /** A chat you may have been given is gone. */
  readonly onChatPurged?: (change: { chat: number }) => void
  /**
   * Chats that you are not given: they were purged, or said in a room without history while you were not there to hear
   * them or were away for too long. Both ids included; no others are ever left out.
   */
  readonly onChatsGone?: (ids: { from: number; through: number }) => void
  /** Not sent in rooms above the pool's participant update limit. */
  readonly onJoined?: (who: Person) => void
  readonly onParted?: (who: Person) => void
  /** Comings and goings are not told any more (there are too many), or are told again: time to ask for the roster. */
  readonly onParticipants?: (change: { shown: boolean; count: number }) => void
  /** Name, topic, type, or whether you may post. */
  readonly onChanged?: (look: RoomLook) => void
  /** The connection was lost, and this room has been joined again after it. */
  readonly onRejoined?: () => void
  /** You are no longer in the room and will not come back by yourself. */
  readonly onClosed?: (reason: string) => void
}

export type RoomHandle = {
  readonly uri: string
  readonly name: string
  readonly topic: string
  readonly type: RoomLook['type']
  readonly mayPost: boolean
  readonly addIn: AddIn | null
  /** The newest chat id delivered: what to join `after` next time. */
  readonly last: number
  /**
   * Posts a chat; resolves when it is durably recorded. Lost connections are waited out, and what was not
   * acknowledged is posted again under the same name, so it is recorded once. Chats posted one after the
   * other without waiting are recorded in that order, unless the pool asks for one of them to be repeated.
   *
   * Give a `name` to repeat a post safely after your program was restarted.
   */
  post(text: string, options?: PostOptions): Promise<Posted>
  /** Chats before chat id `before` (the newest when absent), or after chat id `after`; oldest first. The look is recorded. */
  history(options?: HistoryOptions): Promise<HistoryPage>
  /**
   * Puts another text in a chat's place, where the pool lets you. The record keeps what was posted. A story keeps its
   * title unless you give another.
   */
  replaceChat(chat: number, text: string, options?: ReplaceOptions): Promise<void>
  deleteChat(chat: number): Promise<void>
  /** Everybody in the room, also where there are too many for notices. */
  roster(): Promise<Person[]>
  /** Goes out of the room, once everything posted is recorded. */
  part(): Promise<void>
}

/** `title`: of a story, another one */
export type ReplaceOptions = { readonly title?: string }
export type HistoryOptions = { readonly before?: number; readonly after?: number; readonly limit?: number }
export type HistoryPage = { readonly chats: Chat[]; readonly more: boolean }

/** What the client keeps of a room from the call to `join` until it is out of it. */
export type RoomState = {
  /** the room as the program named it, until its URI is known */
  uri: string
  look: RoomLook
  addIn: AddIn | null
  readonly listeners: RoomListeners
  /** the newest chat id delivered; undefined before the first join without `after` is answered */
  last: number | undefined
  /** `away`: to be joined (again) as soon as there is a connection. `joining`: asked, not answered. */
  phase: 'away' | 'joining' | 'joined' | 'gone'
  /** the pool asked for a pause: posts wait */
  paused: boolean
  /** the last id before a hole that resuming has not filled */
  holeAfter: number | undefined
  attempt: number
  /** answers the call to `join`; undefined once answered */
  answer: { resolve(handle: RoomHandle): void; reject(error: Error): void } | undefined
  /** answers the call to `part`; set from that call on */
  parted: (() => void) | undefined
}

/**
 * What to do with a chat that has arrived: ids of a room are sequential, and the pool says where chats are gone, so a
 * client sees for itself whether something is missing.
 */
export function judgeChat(room: Pick<RoomState, 'last' | 'holeAfter'>, chat: number): 'deliver' | 'duplicate' | 'hole' {
  const last = room.last ?? 0
  if (chat <= last) return 'duplicate'
  // A hole that is still there after resuming is one of the pool's own: it would say so if chats were gone there.
  if (chat === last + 1 || room.holeAfter === last) return 'deliver'
  return 'hole'
}
