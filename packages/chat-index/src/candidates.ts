import { type ChatQuery, WORDS_VERSION } from '@hansard/chat-text'
import { type Database, isOneOf, rowsOf } from '@hansard/sql'
import {
  addTo,
  authorKey,
  emptySet,
  type Place,
  type PlaceSet,
  placeAt,
  placeCount,
  roomKey,
  wordKey,
} from './block.ts'
import { inOrder, type SearchOrder, type SearchPosition } from './order.ts'

/** A query in terms of the index. */
export type Wanted = {
  readonly rooms: ReadonlySet<number>
  readonly authors: ReadonlySet<number> | undefined
  readonly query: ChatQuery | undefined
  /** posted_at, both included */
  readonly from: number
  readonly to: number
  readonly order: SearchOrder
  readonly after: SearchPosition | undefined
}

/** Some more candidates, in order. Every later one is at or beyond `reached`. */
type Step = { readonly candidates: Place[]; readonly reached: number; readonly blocks: number }

/**
 * Indexed chats that may match, in order, a few blocks at a time.
 *
 * Blocks are read in the order of their first chat, and a candidate is returned as soon as no remaining block can
 * contain an earlier one. A common word thus reads only the first few blocks; a rare one is looked up in every block,
 * at a microsecond or two each.
 */
export async function* indexCandidates(db: Database, wanted: Wanted): AsyncGenerator<Step> {
  const groups = keyGroups(wanted)
  const compare = inOrder(wanted.order)
  let held: Place[] = []
  let last: Block | undefined
  for (let size = BLOCKS_FIRST; ; size = Math.min(size * 4, BLOCKS_AT_ONCE)) {
    const blocks = await nextBlocks(db, wanted, { after: last, size })
    const more = blocks.length === size
    last = blocks.at(-1) ?? last
    held.push(...(await candidatesOf(db, wanted, groups, blocks)))
    held.sort(compare)
    if (!more) {
      yield { candidates: held, reached: 0, blocks: blocks.length }
      return
    }
    const reached = wanted.order === 'newest' ? last!.newest : last!.oldest
    const ready = held.findIndex((place) =>
      wanted.order === 'newest' ? place.postedAt <= reached : place.postedAt >= reached,
    )
    const candidates = ready === -1 ? held : held.slice(0, ready)
    held = ready === -1 ? [] : held.slice(ready)
    yield { candidates, reached, blocks: blocks.length }
  }
}

/** A chat must have one alternative of each group, and every key of that alternative. */
type KeyGroup = readonly (readonly number[])[]

type KeyGroups = {
  readonly words: readonly KeyGroup[]
  /** of rooms and authors: their keys are the same in every version */
  readonly others: readonly KeyGroup[]
}

function keyGroups({ query, rooms, authors }: Wanted): KeyGroups {
  const terms = query?.indexed.map((term) => term.map(wordKey)) ?? []
  const words: KeyGroup[] = query?.match === 'any' ? [terms] : terms.flat().map((key) => [[key]])
  const others: KeyGroup[] = []
  if (rooms.size <= KEYS_MAX) others.push([...rooms].map((id) => [roomKey(id)]))
  if (authors && authors.size <= KEYS_MAX) others.push([...authors].map((id) => [authorKey(id)]))
  return { words, others }
}

type Block = { readonly id: number; readonly oldest: number; readonly newest: number; readonly version: number }

async function nextBlocks(
  db: Database,
  { from, to, order, after }: Wanted,
  page: { after: Block | undefined; size: number },
): Promise<Block[]> {
  const query = db.knex<Block>('search_block').select<Block[]>('id', 'oldest', 'newest', 'version').limit(page.size)
  if (order === 'newest') {
    query.where('oldest', '<=', Math.min(to, after?.postedAt ?? to)).andWhere('newest', '>=', from)
    if (page.after) query.whereRaw('(newest, id) < (?, ?)', [page.after.newest, page.after.id])
    query.orderBy('newest', 'desc').orderBy('id', 'desc')
  } else {
    query.where('newest', '>=', Math.max(from, after?.postedAt ?? from)).andWhere('oldest', '<=', to)
    if (page.after) query.whereRaw('(oldest, id) > (?, ?)', [page.after.oldest, page.after.id])
    query.orderBy('oldest').orderBy('id')
  }
  return query
}

async function candidatesOf(
  db: Database,
  wanted: Wanted,
  { words, others }: KeyGroups,
  blocks: readonly Block[],
): Promise<Place[]> {
  if (blocks.length === 0) return []
  const all = [...words, ...others]
  const sets = await placesOfKeys(db, [...new Set(all.flat(2))], blocks)
  const compare = inOrder(wanted.order)
  const found: Place[] = []
  const matching = new Map<number, PlaceSet>()
  for (const block of blocks) {
    // The words of a block of another version were read by other rules: each of its chats may be what is wanted.
    const set = intersect(block.version === WORDS_VERSION ? all : others, sets.get(block.id))
    if (set.some((bits) => bits !== 0)) matching.set(block.id, set)
  }
  const ids = isOneOf(db.dialect, 'id', [...matching.keys()])
  if (matching.size === 0) return []
  const rows = await rowsOf<{ id: number; chats: Buffer }>(
    db.knex,
    `select id, chats from search_block where ${ids.sql}`,
    ids.values,
  )
  for (const { id, chats } of rows) {
    const set = matching.get(id)!
    const places = placeCount(chats)
    for (let index = 0; index < places; index += 1) {
      if ((set[index >> 5]! & (1 << (index & 31))) === 0) continue
      const place = placeAt(chats, index)
      if (!wanted.rooms.has(place.roomId) || wanted.authors?.has(place.principalId) === false) continue
      if (place.postedAt < wanted.from || place.postedAt > wanted.to) continue
      if (wanted.after && compare(place, wanted.after) <= 0) continue
      found.push(place)
    }
  }
  return found
}

async function placesOfKeys(
  db: Database,
  keys: readonly number[],
  blocks: readonly Block[],
): Promise<Map<number, Map<number, Buffer>>> {
  const word = isOneOf(db.dialect, 'word', keys)
  const block = isOneOf(
    db.dialect,
    'block',
    blocks.map(({ id }) => id),
  )
  const found = new Map<number, Map<number, Buffer>>()
  if (keys.length === 0) return found
  const rows = await rowsOf<{ word: number; block: number; chats: Buffer }>(
    db.knex,
    `select word, block, chats from search_word where ${word.sql} and ${block.sql}`,
    [...word.values, ...block.values],
  )
  for (const row of rows) {
    const keysOfBlock = found.get(row.block)
    if (keysOfBlock) keysOfBlock.set(row.word, row.chats)
    else found.set(row.block, new Map([[row.word, row.chats]]))
  }
  return found
}

function intersect(groups: readonly KeyGroup[], byKey: ReadonlyMap<number, Buffer> | undefined): PlaceSet {
  const all = emptySet().fill(0xffffffff)
  for (const group of groups) {
    const some = emptySet()
    for (const keys of group) {
      const alternative = keys.map((key) => {
        const set = emptySet()
        const bytes = byKey?.get(key)
        if (bytes) addTo(set, bytes)
        return set
      })
      for (let index = 0; index < some.length; index += 1) {
        some[index]! |= alternative.reduce((bits, set) => bits & set[index]!, 0xffffffff)
      }
    }
    for (let index = 0; index < all.length; index += 1) all[index]! &= some[index]!
  }
  return all
}

/** More rooms or authors than this are compared place by place instead of by key. */
const KEYS_MAX = 8
const BLOCKS_FIRST = 4
const BLOCKS_AT_ONCE = 256
