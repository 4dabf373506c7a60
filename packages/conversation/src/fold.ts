import type { ChangeValue, ComplianceEvent, EventOf, EventPrincipal } from '@hansard/compliance-event'

/**
 * Folds the events of one interval into conversations: one room during one interval.
 *
 * An interval may hold a million events, so this module keeps no more than one slice of them in memory. A
 * conversation longer than a slice comes out as several slices, numbered from 1, in order; read one after the other
 * they are the conversation.
 *
 * Events must arrive sorted by room URI and, within a room, by `room.seq`; both by code point, not by locale.
 * Conversations are the evidence of who said what after whom. Accepting another order would put a wrong order on
 * record, so `foldConversations` throws instead.
 */
export async function* foldConversations(
  events: AsyncIterable<ComplianceEvent>,
  { sliceEventsMax, rosterOf, roomsWithRosterOnly }: FoldOptions,
): AsyncGenerator<RoomSlice> {
  if (!(sliceEventsMax >= 1)) throw new Error(`A slice holds at least one event, not ${sliceEventsMax}.`)
  const silent = silentRooms(roomsWithRosterOnly)

  let open: OpenConversation | undefined
  for await (const event of events) {
    if (open && open.room.uri !== event.room.uri) {
      assertSorted(open.room.uri < event.room.uri, open.room.uri, event)
      yield closeSlice(open, true)
      open = undefined
    }
    if (!open) {
      yield* silentSlices(silent, event.room.uri, rosterOf)
      open = await openConversation(event, rosterOf)
    }
    assertSorted(event.room.seq >= open.lastSeq, open.room.uri, event)
    const weight = eventWeight(event)
    if (open.events.length > 0 && open.weight + weight > sliceEventsMax) {
      yield closeSlice(open, false)
      open = { ...open, slice: open.slice + 1, events: [], weight: 0 }
    }
    open.events.push(event)
    open.weight += weight
    open.lastSeq = event.room.seq
  }
  if (open) yield closeSlice(open, true)
  yield* silentSlices(silent, undefined, rosterOf)
}

/**
 * The weight of an event in the limit that bounds a file: one, plus one for every full 1,000 UTF-16 units of text, so
 * that ten thousand chats of 64 KiB do not make a document of 640 MB.
 */
export function eventWeight(event: ComplianceEvent): number {
  return 1 + Math.floor(charactersOf(event) / 1_000)
}

function charactersOf(event: ComplianceEvent): number {
  switch (event.kind) {
    case 'chat':
      return event.content.length + (event.title ?? '').length
    case 'chat-replaced':
      return event.content.length + (event.title ?? '').length + replacedCharacters(event)
    case 'chat-purged':
      return replacedCharacters(event)
    case 'backchat':
      return (event.query ?? '').length
    case 'file-upload':
    case 'file-download':
      return event.fileName.length + (event.givenName ?? '').length
    case 'change':
      return (
        event.subject.uri.length +
        event.subject.name.length +
        propertyCharacters(event.before) +
        propertyCharacters(event.after)
      )
    case 'join':
    case 'part':
    case 'sign-in':
    case 'sign-in-refused':
    case 'assignment':
    case 'sign-out':
    case 'session-expired':
      return 0
  }
}

function replacedCharacters({ replaced, replacedTitle = '' }: EventOf<'chat-replaced' | 'chat-purged'>): number {
  return replaced.length + replacedTitle.length
}

/** Names and values as documents write them: every entry of a list repeats the list's name. */
function propertyCharacters(properties: Readonly<Record<string, ChangeValue>>): number {
  let characters = 0
  for (const [name, value] of Object.entries(properties)) {
    for (const entry of Array.isArray(value) ? value : [String(value)]) characters += name.length + entry.length
  }
  return characters
}

/** A principal present in a room. `joinedAt` is in milliseconds since 1970 UTC. */
export type RosterEntry = { readonly session: string; readonly principal: EventPrincipal; readonly joinedAt: number }

export type Rosters = { readonly atStart: readonly RosterEntry[]; readonly atEnd: readonly RosterEntry[] }

/** A room with the name it had when the conversation began. */
export type SliceRoom = { readonly uri: string; readonly name: string }

/** A conversation, or one slice of a long one. The rosters are those of the whole interval. */
export type RoomSlice = {
  readonly room: SliceRoom
  readonly events: readonly ComplianceEvent[]
  /** 1, 2, 3 … */
  readonly slice: number
  readonly last: boolean
  readonly rosterAtStart: readonly RosterEntry[]
  readonly rosterAtEnd: readonly RosterEntry[]
}

export type FoldOptions = {
  /** by weight; see `eventWeight` */
  readonly sliceEventsMax: number
  readonly rosterOf: (roomUri: string) => Promise<Rosters>
  /** Rooms with participants but without events, by URI. They come out as conversations without events. */
  readonly roomsWithRosterOnly?: AsyncIterable<SliceRoom> | undefined
}

type OpenConversation = {
  readonly room: SliceRoom
  readonly rosters: Rosters
  readonly slice: number
  readonly events: ComplianceEvent[]
  weight: number
  lastSeq: number
}

async function openConversation(first: ComplianceEvent, rosterOf: FoldOptions['rosterOf']): Promise<OpenConversation> {
  const room = { uri: first.room.uri, name: first.room.name }
  return { room, rosters: await rosterOf(room.uri), slice: 1, events: [], weight: 0, lastSeq: 0 }
}

function closeSlice({ room, rosters, slice, events }: OpenConversation, last: boolean): RoomSlice {
  return { room, events, slice, last, rosterAtStart: rosters.atStart, rosterAtEnd: rosters.atEnd }
}

function assertSorted(sorted: boolean, roomUri: string, event: ComplianceEvent): void {
  if (sorted) return
  const { source, epoch, seq, room } = event
  throw new Error(
    `Events must be sorted by room and room.seq; ${source}/${epoch}/${seq} (${room.uri}, ${room.seq}) came too late, after ${roomUri}.`,
  )
}

type SilentRooms = { next: SliceRoom | undefined; readonly advance: () => Promise<void>; started: boolean }

function silentRooms(rooms: AsyncIterable<SliceRoom> | undefined): SilentRooms {
  const iterator = rooms?.[Symbol.asyncIterator]()
  const state: SilentRooms = {
    next: undefined,
    started: false,
    advance: async () => {
      const before = state.next?.uri
      state.next = iterator ? ((await iterator.next()).value as SliceRoom | undefined) : undefined
      if (before !== undefined && state.next && state.next.uri <= before) {
        throw new Error(`Rooms must be sorted by URI; ${state.next.uri} came after ${before}.`)
      }
    },
  }
  return state
}

/** The silent rooms that sort before `roomUri`, or all remaining ones when it is undefined. */
async function* silentSlices(
  silent: SilentRooms,
  roomUri: string | undefined,
  rosterOf: FoldOptions['rosterOf'],
): AsyncGenerator<RoomSlice> {
  if (!silent.started) {
    silent.started = true
    await silent.advance()
  }
  while (silent.next && (roomUri === undefined || silent.next.uri <= roomUri)) {
    const room = { uri: silent.next.uri, name: silent.next.name }
    await silent.advance()
    // Both lists come from one database but from two statements: the room may have had an event in between.
    if (room.uri === roomUri) continue
    const { atStart, atEnd } = await rosterOf(room.uri)
    yield { room, events: [], slice: 1, last: true, rosterAtStart: atStart, rosterAtEnd: atEnd }
  }
}
