import { chatsInRanges, rangePortions } from '@hansard/pool-store'
import type { Bound, Database } from '@hansard/sql'
import type { Wanted } from './candidates.ts'
import { type Compared, type CompareLimits, compareChats } from './compare.ts'
import type { FoundChat } from './found-chats.ts'
import { inOrder, type SearchPosition } from './order.ts'
import { chatsAt } from './rows.ts'
import { SearchRefused } from './search-refused.ts'
import { roomTails } from './tail.ts'

/** The first matches among the unindexed chats: in order, and at most one page. */
type Unindexed = {
  readonly chats: FoundChat[]
  /** The page must end here: there may be more beyond. */
  readonly end: SearchPosition | undefined
}

/** Matches among the chats that the index does not have, or does not have in their current state. */
export async function searchUnindexed(
  db: Database,
  wanted: Wanted,
  page: { readonly chats: number; readonly characters: number },
): Promise<Unindexed> {
  const compare = inOrder(wanted.order)
  let found: FoundChat[] = []
  let end: SearchPosition | undefined
  let bytes = 0
  const take = async (chats: Bound) => {
    const limits: CompareLimits = { bytes: UNINDEXED_BYTES_MAX, characters: page.characters, last: end }
    const more: Compared = await compareChats(db, wanted, chats, limits)
    bytes += more.bytes
    if (bytes > UNINDEXED_BYTES_MAX) throw behind(`${Math.round(bytes / 1_048_576)} MB of chats`)
    const all = new Map([...found, ...more.chats].map((chat) => [`${chat.roomId} ${chat.chatId}`, chat]))
    const sorted = [...all.values()].filter((chat) => !more.through || compare(chat, more.through) <= 0).sort(compare)
    end = more.through ?? end
    let characters = 0
    const tooMany = sorted.findIndex((chat, index) => {
      characters += chat.text.length
      return index > 0 && (index >= page.chats || characters > page.characters)
    })
    found = tooMany === -1 ? sorted : sorted.slice(0, tooMany)
    if (tooMany !== -1) end = found.at(-1)
  }

  const tails = await roomTails(db, [...wanted.rooms])
  const waiting = tails.reduce((count, tail) => count + tail.through - tail.after, 0)
  if (waiting > UNINDEXED_MAX) throw behind(`${waiting} chats`)
  for (const ranges of rangePortions(tails, PORTION)) await take(chatsInRanges(db.dialect, ranges))

  const changed: { roomId: number; chatId: number }[] = await db
    .knex('search_again')
    .where({ gone: false })
    .select('room_id as roomId', 'chat_id as chatId')
  const mine = changed.filter((chat) => wanted.rooms.has(chat.roomId))
  for (let from = 0; from < mine.length; from += PORTION) {
    await take(chatsAt(db.dialect, mine.slice(from, from + PORTION)))
  }
  return { chats: found, end }
}

function behind(what: string): SearchRefused {
  const message = `The search index is being built: ${what} of these rooms are not indexed yet. Try again in a minute.`
  return new SearchRefused('index-behind', message)
}

/** Limits on unindexed chats, above which a search is refused: number, bytes, and chats per statement. */
const UNINDEXED_MAX = 50_000
const UNINDEXED_BYTES_MAX = 256 * 1_024 * 1_024
const PORTION = 1_000
