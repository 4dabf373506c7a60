import {
  type ComplianceEvent,
  type EnvelopeEvent,
  type EventKind,
  type EventOf,
  encodeEvent,
  leafOf,
  nextHead,
} from '@hansard/compliance-event'
import type { Principal } from '../access/principals.ts'
import { followStays, type StaysAfter, type StaysBefore } from './departures.ts'
import type { Fact, Outcome } from './facts.ts'
import { isSamePost, postDigest, type RecordedPost } from './post-digest.ts'
import type { Source } from './sources.ts'

/** What the transaction reads, under lock, before anything is numbered. */
export type Before = {
  readonly rooms: ReadonlyMap<number, RoomCounters>
  /** Posts of the batch that are already on record, by `postKey`. */
  readonly posts: ReadonlyMap<string, RecordedPost>
  /**
   * Ids of the batch's joining or reading principals who may not use the pool now: disabled, or not enabled by
   * policy.
   */
  readonly barred: ReadonlySet<number>
  /**
   * Participants that the batch's joins and parts refer to, by `participantKey`, with the chat after which the stay
   * began, or null.
   */
  readonly participants: ReadonlyMap<string, number | null>
  readonly stays: StaysBefore
}
export type RoomCounters = {
  readonly id: number
  readonly uri: string
  readonly name: string
  readonly lastChatId: number
  readonly lastRoomSeq: number
  /** the room's rights version */
  readonly rights: number
}

/** The source's counters: last number, last time stamp and chain head. */
export type SourceCounters = { readonly lastSeq: number; readonly lastStamp: number; readonly head: string }

/** What the transaction writes. */
export type After = {
  readonly outcomes: readonly Outcome[]
  readonly chats: readonly {
    roomId: number
    chatId: number
    at: number
    principalId: number
    post: string
    content: string
    alert: boolean
    title: string | null
    unlogged: boolean
    digest: string
  }[]
  readonly joins: readonly Joining[]
  readonly parts: readonly { roomId: number; session: string }[]
  readonly outbox: readonly EnvelopeEvent[]
  readonly rooms: readonly { id: number; lastChatId: number; lastRoomSeq: number }[]
  readonly source: SourceCounters
  readonly stays: StaysAfter
}
type Joining = { roomId: number; session: string; principalId: number; at: number; since: number | null }

/** Whether this fact requires reading stays in the room. */
export const comesBack = (fact: Fact): fact is Extract<Fact, { kind: 'join' }> =>
  fact.kind === 'join' && fact.unlogged === true && fact.after !== undefined
export const entersOrLooks = (fact: Fact) => fact.kind === 'join' || fact.kind === 'backchat'
export const postKey = (roomId: number, principalId: number, post: string) => `${roomId} ${principalId} ${post}`
export const participantKey = (roomId: number, session: string) => `${roomId} ${session}`

/**
 * Numbers a batch of facts: chat ids per room, room sequences, and the source's sequence numbers and chain heads.
 * Pure, so both dialects number alike; the caller holds the locks.
 *
 * Facts keep their order. A repeated post, a second join of one session (except for the chats it reads) and a part of
 * a session that is not a participant get an outcome and no event. Only recorded facts are numbered, so there are no
 * holes.
 */
export function numberFacts(
  facts: readonly Fact[],
  before: Before,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  now: number,
): After {
  const at = Math.max(now, source.lastStamp)
  const numbering = createNumbering(before.rooms, source, { at, clock: now })
  const posts = new Map(before.posts)
  const present = new Map(before.participants)
  const stays = followStays(before.stays)
  const joins = new Map<string, Joining>()
  const parts = new Map<string, { roomId: number; session: string }>()
  const chats: After['chats'][number][] = []

  const outcomes = facts.map((fact): Outcome => {
    const room = numbering.rooms.get(fact.roomId)
    if (!room) return { kind: 'no-such-room' }

    // A repeat records nothing, so it is answered as recorded even when its author has lost the right to post since.
    const first = fact.kind === 'chat' ? posts.get(postKey(room.id, fact.principal.id, fact.post)) : undefined
    if (first) return repeatOf(first, fact as ChatFact)
    if ('rights' in fact && fact.rights !== room.rights) return { kind: 'rights-changed', rights: room.rights }
    // Barring a user increments the rights versions of the rooms they are in. This check covers the rooms they are
    // not in yet.
    if (entersOrLooks(fact) && before.barred.has(fact.principal.id)) {
      return { kind: 'rights-changed', rights: room.rights }
    }

    const record = (detail: EventDetail) => numbering.record(room, fact.principal, detail)

    switch (fact.kind) {
      case 'chat': {
        room.lastChatId += 1
        const chatId = room.lastChatId
        const { text, post, alert = false, title, unlogged = false } = fact
        record({
          kind: 'chat',
          chatId,
          content: text,
          ...(alert ? { alert: true as const } : {}),
          ...(title === undefined ? {} : { title }),
        })
        const row = {
          roomId: room.id,
          chatId,
          at,
          principalId: fact.principal.id,
          post,
          content: JSON.stringify(text),
          alert,
          title: title === undefined ? null : JSON.stringify(title),
          unlogged,
          digest: postDigest(fact),
        }
        posts.set(postKey(room.id, fact.principal.id, post), { ...row, state: 'kept' })
        if (unlogged) stays.said(room.id, chatId)
        chats.push(row)
        return { kind: 'chat', chatId, at, repeated: false }
      }
      case 'join': {
        const key = participantKey(room.id, fact.session)
        const { lastChatId } = room
        // A client that claims chats that do not exist yet is taken to have all that exist.
        const after = Math.min(fact.after ?? lastChatId, lastChatId)
        if (present.has(key)) {
          const from = Math.max(after, present.get(key) ?? 0)
          // The first join may have asked for fewer chats; those shown now are read now.
          if (from < lastChatId) record({ kind: 'backchat', firstChatId: from + 1, lastChatId })
          return { kind: 'join', at, from, lastChatId, rights: room.rights, repeated: true }
        }
        const who = { roomId: room.id, session: fact.session, principalId: fact.principal.id }
        const from = comesBack(fact) ? stays.comeBack(who, { after, last: lastChatId }) : after
        record({ kind: 'join', session: fact.session })
        if (from < lastChatId) record({ kind: 'backchat', firstChatId: from + 1, lastChatId })
        const since = fact.unlogged ? from : null
        present.set(key, since)
        joins.set(key, { ...who, at, since })
        return { kind: 'join', at, from, lastChatId, rights: room.rights, repeated: false }
      }
      case 'part': {
        const key = participantKey(room.id, fact.session)
        const since = present.get(key)
        if (since === undefined) return { kind: 'part', at, rights: room.rights, repeated: true }
        present.delete(key)
        record({ kind: 'part', session: fact.session, reason: fact.reason })
        stays.part({ roomId: room.id, session: fact.session, principalId: fact.principal.id, since }, fact.reason)
        // A row that this batch would insert need not be inserted and deleted, but an earlier row must be deleted.
        if (!joins.delete(key) || before.participants.has(key))
          parts.set(key, { roomId: room.id, session: fact.session })
        return { kind: 'part', at, rights: room.rights, repeated: false }
      }
      case 'backchat':
        record({
          kind: 'backchat',
          firstChatId: fact.firstChatId,
          lastChatId: fact.lastChatId,
          ...(fact.query === undefined ? {} : { query: fact.query }),
        })
        return { kind: 'backchat', at }
    }
  })

  return {
    outcomes,
    chats,
    joins: [...joins.values()],
    parts: [...parts.values()],
    stays: stays.result(),
    ...numbering.result(),
  }
}

type ChatFact = Extract<Fact, { kind: 'chat' }>

function repeatOf(recorded: RecordedPost, fact: ChatFact): Outcome {
  const { chatId, at } = recorded
  if (!isSamePost(recorded, fact)) return { kind: 'post-name-used', chatId }
  return { kind: 'chat', chatId, at, repeated: true }
}

/** The counters of a transaction while it numbers facts. */
function createNumbering(
  before: ReadonlyMap<number, RoomCounters>,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  { at, clock }: StampTime,
) {
  const rooms = new Map<number, Counting>()
  for (const room of before.values()) rooms.set(room.id, { ...room, touched: false })
  const outbox: EnvelopeEvent[] = []
  let seq = source.lastSeq
  let head = source.head
  return {
    rooms,
    record(room: Counting, principal: Actor, detail: EventDetail) {
      room.touched = true
      room.lastRoomSeq += 1
      seq += 1
      const body = encodeEvent({
        v: 1,
        source: source.name,
        epoch: source.epoch,
        ...(source.incarnation === '' ? {} : { incarnation: source.incarnation }),
        seq,
        at,
        ...(clock < at ? { clock } : {}),
        room: { uri: room.uri, name: room.name, seq: room.lastRoomSeq },
        principal: {
          id: principal.id,
          uri: principal.uri,
          name: principal.name,
          ...(principal.email === undefined ? {} : { email: principal.email }),
          internal: principal.internal,
        },
        ...detail,
      } as ComplianceEvent)
      head = nextHead(head, leafOf(body))
      outbox.push({ seq, at, body, head })
    },
    result: (): Pick<After, 'outbox' | 'rooms' | 'source'> => ({
      outbox,
      rooms: [...rooms.values()].filter((room) => room.touched),
      source: { lastSeq: seq, lastStamp: at, head },
    }),
  }
}

/**
 * The stamp of a batch, and what the source's clock showed. A stamp is never lower than the one before, so it is held
 * there while the clock is behind, and the event says what the clock showed.
 */
export type StampTime = { readonly at: number; readonly clock: number }

/** Who did it, as events name them. */
export type Actor = Pick<Principal, 'id' | 'uri' | 'name' | 'email' | 'internal'>

type Counting = { -readonly [K in keyof RoomCounters]: RoomCounters[K] } & { touched: boolean }

type Common = 'v' | 'source' | 'epoch' | 'incarnation' | 'seq' | 'at' | 'clock' | 'room' | 'principal'
/** The content of an event besides who, where and when. */
type EventDetail = { [K in EventKind]: Omit<EventOf<K>, Common> }[EventKind]

/** An event of a change: see `RecordWriter.change`. */
export type ChangeEvent = { readonly roomId: number; readonly principal: Actor; readonly detail: EventDetail }

/** Numbers the events of a change, as `numberFacts` numbers facts. The caller holds the locks of all their rooms. */
export function numberEvents(
  events: readonly ChangeEvent[],
  rooms: ReadonlyMap<number, RoomCounters>,
  source: SourceCounters & Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  time: StampTime,
): Pick<After, 'outbox' | 'rooms' | 'source'> {
  const numbering = createNumbering(rooms, source, time)
  for (const { roomId, principal, detail } of events) {
    const room = numbering.rooms.get(roomId)
    if (!room) throw new Error(`A change was recorded in room ${roomId}, which does not exist.`)
    numbering.record(room, principal, detail)
  }
  return numbering.result()
}
