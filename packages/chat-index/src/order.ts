/** Position of a chat among all chats: by time, then by room, then by id. Positions are unique. */
export type SearchPosition = { readonly postedAt: number; readonly roomId: number; readonly chatId: number }
export type SearchOrder = 'newest' | 'oldest'

/** Comparator that puts the chat to be returned first in front. */
export function inOrder(order: SearchOrder): (a: SearchPosition, b: SearchPosition) => number {
  const sign = order === 'oldest' ? 1 : -1
  return (a, b) => sign * (a.postedAt - b.postedAt || a.roomId - b.roomId || a.chatId - b.chatId)
}

/** The position before every chat posted at `postedAt`, in that order. */
export function beforeTime(order: SearchOrder, postedAt: number): SearchPosition {
  return order === 'newest'
    ? { postedAt: postedAt + 1, roomId: 0, chatId: 0 }
    : { postedAt: postedAt - 1, roomId: Number.MAX_SAFE_INTEGER, chatId: Number.MAX_SAFE_INTEGER }
}

/**
 * A cursor: a position in the results as opaque text. It names the last chat that was considered, so it remains valid
 * however many chats are posted, replaced or purged meanwhile.
 */
export function encodeCursor({ postedAt, roomId, chatId }: SearchPosition): string {
  return Buffer.from(`${postedAt} ${roomId} ${chatId}`).toString('base64url')
}

/** The position of a found chat, to continue after it. */
export function searchCursor(chat: SearchPosition): string {
  return encodeCursor(chat)
}

export function decodeCursor(cursor: string): SearchPosition | undefined {
  if (cursor.length > 100) return undefined
  const parts = /^(-?\d+) (\d+) (\d+)$/.exec(Buffer.from(cursor, 'base64url').toString())
  if (!parts) return undefined
  const [postedAt, roomId, chatId] = parts.slice(1).map(Number) as [number, number, number]
  return [postedAt, roomId, chatId].every(Number.isSafeInteger) ? { postedAt, roomId, chatId } : undefined
}
