import { skeletonOf, wordsOf } from '@hansard/chat-text'

/**
 * The format of a block of the search index. A block has up to 1,024 chats of all rooms, fewer when they are long,
 * close together in time. The place of a chat is its number in the block, from 0.
 *
 * - `search_block.chats`: the chat at each place, 20 bytes a place.
 * - `search_block.version`: the rules by which its words were read (`WORDS_VERSION`).
 * - `search_word`: per key and block, the places that have the key.
 *
 * A key is a 32-bit hash of a word, of its skeleton, a room or an author. A hash collision costs one read of a chat and
 * no more: nothing is found before its text was compared. And an index of hashes contains no words that would have to
 * be erased.
 */
export const BLOCK_CHATS = 1_024

/**
 * This many bytes of chats fill a block as well. A thousand typical chats have a quarter of it; a thousand stories
 * without a repeated word would make eleven million keys.
 */
export const BLOCK_BYTES = 512 * 1_024

export type Place = {
  readonly roomId: number
  readonly chatId: number
  readonly principalId: number
  readonly postedAt: number
}

const PLACE_BYTES = 20

export function encodePlaces(places: readonly Place[]): Buffer {
  const bytes = Buffer.alloc(places.length * PLACE_BYTES)
  places.forEach((place, index) => {
    const at = index * PLACE_BYTES
    bytes.writeUInt32LE(place.roomId, at)
    bytes.writeUInt32LE(place.chatId, at + 4)
    bytes.writeUInt32LE(place.principalId, at + 8)
    bytes.writeDoubleLE(place.postedAt, at + 12)
  })
  return bytes
}

export function placeCount(bytes: Buffer): number {
  return bytes.length / PLACE_BYTES
}

export function placeAt(bytes: Buffer, index: number): Place {
  const at = index * PLACE_BYTES
  return {
    roomId: bytes.readUInt32LE(at),
    chatId: bytes.readUInt32LE(at + 4),
    principalId: bytes.readUInt32LE(at + 8),
    postedAt: bytes.readDoubleLE(at + 12),
  }
}

/** A set of places, as a bit set. */
export type PlaceSet = Uint32Array
const SET_BYTES = BLOCK_CHATS / 8

export const emptySet = (): PlaceSet => new Uint32Array(BLOCK_CHATS / 32)

/** A small set is a list, two bytes per place; a large one is a bit set. The length distinguishes them. */
export function encodeSet(places: readonly number[]): Buffer {
  if (places.length * 2 < SET_BYTES) {
    const bytes = Buffer.alloc(places.length * 2)
    places.forEach((place, index) => {
      bytes.writeUInt16LE(place, index * 2)
    })
    return bytes
  }
  const bytes = Buffer.alloc(SET_BYTES)
  for (const place of places) bytes[place >> 3]! |= 1 << (place & 7)
  return bytes
}

/** Adds an encoded set's places to `set`. */
export function addTo(set: PlaceSet, bytes: Buffer): void {
  if (bytes.length === SET_BYTES) {
    for (let index = 0; index < set.length; index += 1) set[index]! |= bytes.readUInt32LE(index * 4)
    return
  }
  for (let at = 0; at < bytes.length; at += 2) {
    const place = bytes.readUInt16LE(at)
    set[place >> 5]! |= 1 << (place & 31)
  }
}

/** The keys of a block, each with the places that have it. */
export type BlockKeys = Map<number, number[]>

/** Adds the keys of the chat at `place`. Places must be added in ascending order. */
export function addKeysOf(chat: IndexedChat, place: number, keys: BlockKeys): void {
  const add = (key: number) => {
    const places = keys.get(key)
    if (!places) keys.set(key, [place])
    else if (places[places.length - 1] !== place) places.push(place)
  }
  add(roomKey(chat.roomId))
  add(authorKey(chat.principalId))
  const addWord = (word: string) => {
    add(wordKey(word))
    const skeleton = skeletonOf(word)
    if (skeleton !== word) add(wordKey(skeleton))
  }
  for (const word of wordsOf(chat.text)) addWord(word)
  if (chat.title !== undefined) for (const word of wordsOf(chat.title)) addWord(word)
}

/** A searchable chat. */
type IndexedChat = Pick<Place, 'roomId' | 'principalId'> & {
  readonly text: string
  readonly title: string | undefined
}

// No word contains a space, so neither of these collides with a word.
export const roomKey = (id: number): number => wordKey(`room ${id}`)
export const authorKey = (id: number): number => wordKey(`author ${id}`)

/** FNV-1a over UTF-16 code units, as a signed 32-bit integer. Stored: a change requires a complete reindex. */
export function wordKey(word: string): number {
  let hash = 0x811c9dc5
  for (let index = 0; index < word.length; index += 1) hash = Math.imul(hash ^ word.charCodeAt(index), 0x01000193)
  return hash | 0
}
