import type { Change, ComplianceEvent, EventOf, EventPrincipal } from '@hansard/compliance-event'
import { loadSubject, type MutableSubject, type SubjectState, snapshotSubject } from './subject-state.ts'

export type SubjectType = Change['subject']['type']

type ParticipantState = { readonly principal: EventPrincipal; readonly joinedAt: number }

type ChatState = {
  /** the current text; nothing when purged */
  readonly content: string
  readonly title: string | undefined
  readonly alert: boolean
  readonly state: 'kept' | 'replaced' | 'purged'
}

export type PoolState = {
  /** by type, then by URI; read with `subjectsOf` */
  readonly subjects: ReadonlyMap<SubjectType, ReadonlyMap<string, SubjectState>>
  /** by room URI, then by session; rooms without participants are not listed */
  readonly presence: ReadonlyMap<string, ReadonlyMap<string, ParticipantState>>
  /** by room URI, then by chat id; empty unless requested */
  readonly chats: ReadonlyMap<string, ReadonlyMap<number, ChatState>>
  /** by room URI: the number of the last event that was applied */
  readonly through: ReadonlyMap<string, number>
}

type PoolStateOptions = {
  /** the state to continue from; it is not changed */
  readonly from?: PoolState | undefined
  /** Keeps every chat in memory: only for tests and small pools. */
  readonly chats?: boolean | undefined
}

/**
 * Derives the state of a pool from its events.
 *
 * A plain property has the value of the last change of its subject. A change of a list names the entries that were
 * added and removed. All changes of a subject are in one conversation, so the order across rooms does not matter;
 * within a room events must come in the order of `room.seq`, or an error is thrown.
 */
export function poolStateFrom(events: Iterable<ComplianceEvent>, options: PoolStateOptions = {}): PoolState {
  const builder = openPoolStateBuilder(options)
  for (const event of events) builder.add(event)
  return builder.state()
}

/** `subjectsOf(state, 'room')`: every subject of that type that was ever changed, by URI, deleted ones included. */
export function subjectsOf(state: PoolState, type: SubjectType): ReadonlyMap<string, SubjectState> {
  return state.subjects.get(type) ?? new Map()
}

/** A list's entries, sorted; none when no change ever named it. */
export function listOf(subject: SubjectState | undefined, property: string): readonly string[] {
  const value = subject?.properties[property]
  return Array.isArray(value) ? value : []
}

/** Applies one event after another, for callers that cannot hold all of them. */
type PoolStateBuilder = { add(event: ComplianceEvent): void; state(): PoolState }

export function openPoolStateBuilder({ from, chats: keepsChats = false }: PoolStateOptions = {}): PoolStateBuilder {
  const subjects = new Map<SubjectType, Map<string, MutableSubject>>()
  const presence = new Map<string, Map<string, ParticipantState>>()
  const chats = new Map<string, Map<number, ChatState>>()
  const through = new Map(from?.through)
  for (const [type, known] of from?.subjects ?? []) {
    subjects.set(type, new Map([...known].map(([uri, subject]) => [uri, loadSubject(subject)])))
  }
  for (const [room, sessions] of from?.presence ?? []) presence.set(room, new Map(sessions))
  for (const [room, known] of from?.chats ?? []) chats.set(room, new Map(known))

  return {
    add(event) {
      const { uri, seq } = event.room
      const last = through.get(uri) ?? 0
      if (seq < last) throw new Error(`Events of ${uri} must come in order; ${seq} came after ${last}.`)
      through.set(uri, seq)
      switch (event.kind) {
        case 'change':
          return applyChange(mapIn(subjects, event.subject.type), event)
        case 'join':
          mapIn(presence, uri).set(event.session, { principal: event.principal, joinedAt: event.at })
          return
        case 'part':
          presence.get(uri)?.delete(event.session)
          return
        case 'chat':
        case 'chat-replaced':
        case 'chat-purged':
          if (keepsChats) applyChat(mapIn(chats, uri), event)
      }
    },
    state: () => ({
      subjects: sorted(subjects, (known) => sorted(known, snapshotSubject)),
      presence: sorted(new Map([...presence].filter(([, sessions]) => sessions.size > 0)), (map) => sorted(map)),
      chats: sorted(chats, (map) => new Map(map)),
      through: sorted(through),
    }),
  }
}

function applyChange(known: Map<string, MutableSubject>, { action, subject, before, after }: EventOf<'change'>): void {
  const { uri } = subject
  const fresh = action === 'created' || !known.has(uri)
  const target: MutableSubject = fresh
    ? { uri, name: '', deleted: false, plain: new Map(), lists: new Map() }
    : known.get(uri)!
  known.set(uri, target)
  target.deleted = action === 'deleted'
  // The event of a renaming may use the old name; the property has the new one.
  const named = after['name']
  target.name = typeof named === 'string' ? named : subject.name
  // A deleted subject keeps its final state: `before` of a deletion is the whole state, not a difference.
  if (action === 'deleted') return
  for (const [name, value] of Object.entries(before)) {
    if (!Array.isArray(value)) {
      if (!Object.hasOwn(after, name)) target.plain.delete(name)
      continue
    }
    const entries = setIn(target.lists, name)
    for (const entry of value) entries.delete(entry)
  }
  for (const [name, value] of Object.entries(after)) {
    if (!Array.isArray(value)) {
      target.plain.set(name, value)
      continue
    }
    const entries = setIn(target.lists, name)
    for (const entry of value) entries.add(entry)
  }
}

function applyChat(chats: Map<number, ChatState>, event: EventOf<'chat' | 'chat-replaced' | 'chat-purged'>): void {
  const { chatId } = event
  if (event.kind === 'chat') {
    const { content, title, alert = false } = event
    chats.set(chatId, { content, title, alert, state: 'kept' })
    return
  }
  const { alert = false } = chats.get(chatId) ?? {}
  if (event.kind === 'chat-purged') chats.set(chatId, { content: '', title: undefined, alert, state: 'purged' })
  else chats.set(chatId, { content: event.content, title: event.title, alert, state: 'replaced' })
}

function mapIn<K, L, V>(maps: Map<K, Map<L, V>>, key: K): Map<L, V> {
  const map = maps.get(key) ?? new Map<L, V>()
  maps.set(key, map)
  return map
}

function setIn(sets: Map<string, Set<string>>, name: string): Set<string> {
  const set = sets.get(name) ?? new Set<string>()
  sets.set(name, set)
  return set
}

/** By key, so that equal states are equal whatever the order of their events. */
function sorted<K extends string, V, R = V>(map: ReadonlyMap<K, V>, of?: (value: V) => R): Map<K, R> {
  const entries = [...map].sort(([a], [b]) => (a < b ? -1 : 1))
  return new Map(entries.map(([key, value]) => [key, of ? of(value) : (value as unknown as R)]))
}
