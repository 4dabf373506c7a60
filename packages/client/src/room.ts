import type { HistoryChat } from '@hansard/wire'

export type Chat = HistoryChat
export type Person = { readonly uri: string; readonly name: string }
export type Posted = { readonly chat: number; readonly at: number }

/**
 * What a program wants to hear of a room. Given when joining, because the first chat may arrive together
 * with the answer to the join.
 */
export type RoomListeners = {
  /** Every chat from the joining on (or after `after`), once, in order, reconnections or not; your own too. */
  readonly onChat?: (chat: Chat) => void
  /** Not sent in rooms above the pool's participant update limit. */
  readonly onJoined?: (who: Person) => void
  readonly onParted?: (who: Person) => void
  /** The connection was lost, and this room has been joined again after it. */
  readonly onRejoined?: () => void
  /** You are no longer in the room and will not come back by yourself. */
  readonly onClosed?: (reason: string) => void
}

export type RoomHandle = {
  readonly uri: string
  readonly name: string
  /** The newest chat id delivered: what to join `after` next time. */
  readonly last: number
  /**
   * Posts a chat; resolves when it is durably recorded. Lost connections are waited out, and what was not
   * acknowledged is posted again under the same name, so it is recorded once. Chats posted one after the
   * other without waiting are recorded in that order, unless the pool asks for one of them to be repeated.
   *
   * `name` is the post's own name (1 to 64 characters). Give one to repeat a post safely after your program
   * was restarted.
   */
  post(text: string, options?: { name?: string }): Promise<Posted>
  /** Chats before chat id `before` (the newest when absent), oldest first. The look is recorded. */
  history(options?: { before?: number; limit?: number }): Promise<{ chats: Chat[]; more: boolean }>
  roster(): Promise<Person[]>
  /** Goes out of the room, once everything posted is recorded. */
  part(): Promise<void>
}

/** What the client keeps of a room from the call to `join` until it is out of it. */
export type RoomState = {
  /** the room as the program named it, until its URI is known */
  uri: string
  name: string
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
 * What to do with a chat that has arrived: ids of a room are sequential, so a client sees for itself
 * whether something is missing.
 */
export function judgeChat(room: Pick<RoomState, 'last' | 'holeAfter'>, chat: number): 'deliver' | 'duplicate' | 'hole' {
  const last = room.last ?? 0
  if (chat <= last) return 'duplicate'
  // A hole that is still there after resuming is one of the pool's, such as purged chats.
  if (chat === last + 1 || room.holeAfter === last) return 'deliver'
  return 'hole'
}
