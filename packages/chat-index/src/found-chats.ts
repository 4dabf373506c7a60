import type { Chat } from '@hansard/pool-store'

export type FoundChat = Chat & { readonly roomId: number }

/** A page of search results. */
export type ChatsFound = {
  readonly chats: readonly FoundChat[]
  /**
   * There may be more: continue with `next`. A page may have fewer results than the limit, even none, when matches
   * are far apart.
   */
  readonly exceeded: boolean
  readonly next?: string
}
