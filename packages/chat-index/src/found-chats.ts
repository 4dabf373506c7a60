import type { Chat } from '@hansard/pool-store'

export type FoundChat = Chat & { readonly roomId: number }

/** A page of a search. */
export type ChatsFound = {
  readonly chats: readonly FoundChat[]
  /** There may be more: `next` goes on. A page may hold fewer than the limit, even none, when matches are far apart. */
  readonly exceeded: boolean
  readonly next?: string
}
