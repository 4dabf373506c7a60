import { z } from 'zod'

/**
 * A compliance event: an immutable fact about a room, as the service that accepted it recorded it.
 *
 * An event carries everything an export needs (names as they were at that moment included), so that
 * the same staged events give the same bytes on any day, whatever was renamed since.
 *
 * `source`, `epoch` and `seq` say who recorded it and as the how-manieth: every service instance is a
 * source, every start of it an epoch, and within an epoch events are numbered 1, 2, 3 … without a hole.
 * `at` is the source's clock at accept in milliseconds since 1970 UTC, never earlier than the one before.
 * `room.seq` numbers all events of one room, across sources, in the order the pool database committed them.
 */
const count = z.number().int().nonnegative()
const text = z.string()

export const EventRoom = z.strictObject({ uri: text.min(1), name: text, seq: count.min(1) })
export type EventRoom = z.infer<typeof EventRoom>

export const EventPrincipal = z.strictObject({
  id: count,
  /** `sip:name@domain` */
  uri: text.min(1),
  name: text,
  email: text.optional(),
  /** false for a partner's (federated) principal */
  internal: z.boolean(),
})
export type EventPrincipal = z.infer<typeof EventPrincipal>

const common = {
  v: z.literal(1),
  source: text.min(1),
  epoch: count.min(1),
  seq: count.min(1),
  at: count,
  room: EventRoom,
  principal: EventPrincipal,
}

/** Why somebody is no longer in a room. `orphaned`: their service died and a survivor recorded the departure. */
export const PartReason = z.enum(['left', 'disconnected', 'orphaned', 'removed', 'stopped'])
export type PartReason = z.infer<typeof PartReason>

const session = { session: text.min(1) }
const chatId = count.min(1)

/** What a change may be made to. Names are stored and shown: they never change their meaning. */
export const CHANGE_SUBJECTS = [
  'room',
  'category',
  'user',
  'group',
  'add-in',
  'policy',
  'endpoint',
  'pool-configuration',
  'compliance-configuration',
  'pool-state',
  'quarantined-file',
] as const

/** A property's value, or, of a property that is a list, entries of it. */
const value = z.union([text, z.number(), z.boolean(), z.null(), z.array(text)])

/**
 * A change to a room, a category, a principal or a setting: what was done to what, and the properties that differ.
 *
 * A plain property stands in `before` with its old value and in `after` with its new one; `created` has no `before`,
 * `deleted` no `after`, and in `before` everything that the subject was, its lists whole. A list (members, say) is
 * told by its differences: entries taken away stand in `before`, entries added in `after`. So folding all changes of a
 * subject gives its state, however long its lists are: a long one is told by several events, one after the other.
 *
 * The event's `room` is where it happened: a change to a room stands in that room's conversation, everything else in
 * the pool's own, whose URI is that of the root category (`ma-cat://<domain>/<guid>`).
 *
 * A `quarantined-file` is made by an upload that the scanner found something in: refused, and set apart. It stands in the
 * conversation of the room it was meant for, `principal` is who sent it, and `after` has `storedName`, `size`, `sha256` and
 * `signature`, the scanner's name for what it found.
 */
export const Change = z.strictObject({
  action: z.enum(['created', 'changed', 'deleted']),
  subject: z.strictObject({ type: z.enum(CHANGE_SUBJECTS), uri: text.min(1), name: text }),
  before: z.record(text, value),
  after: z.record(text, value),
})
export type Change = z.infer<typeof Change>
export type ChangeValue = z.infer<typeof value>

/**
 * The chat that was replaced or purged: `replaced` and `replacedTitle` (of a story) are what stood there, `author` who
 * posted it, `postedAt` when, `alert` whether as an alert. `replacedBefore`: what stood there was no longer what the author
 * posted, but what an earlier `chat-replaced` tells.
 *
 * Events recorded before the author was told have none, nor any of this but `replaced`, in which the title of a story
 * stands before its text, parted by a line break.
 */
const edited = {
  chatId,
  replaced: text,
  replacedTitle: text.optional(),
  replacedBefore: z.literal(true).optional(),
  author: EventPrincipal.optional(),
  postedAt: count.optional(),
  alert: z.literal(true).optional(),
}

export const ComplianceEvent = z.discriminatedUnion('kind', [
  /** `alert`: of high importance. `title`: the chat is a story, and `content` its body. */
  z.strictObject({
    ...common,
    kind: z.literal('chat'),
    chatId,
    content: text,
    alert: z.literal(true).optional(),
    title: text.optional(),
  }),
  z.strictObject({ ...common, kind: z.literal('join'), ...session }),
  z.strictObject({ ...common, kind: z.literal('part'), ...session, reason: PartReason }),
  /** Somebody looked at history: `firstChatId` to `lastChatId` (0 and 0 for an empty page), or searched for `query`. */
  z.strictObject({
    ...common,
    kind: z.literal('backchat'),
    firstChatId: count,
    lastChatId: count,
    query: text.optional(),
  }),
  z.strictObject({
    ...common,
    kind: z.literal('file-upload'),
    storedName: text,
    fileName: text,
    size: count,
    sha256: text,
  }),
  z.strictObject({
    ...common,
    kind: z.literal('file-download'),
    storedName: text,
    fileName: text,
    size: count,
    sha256: text,
  }),
  /** `content` is what stands there now, and of a story `title`; whether it is an alert stays as it was. */
  z.strictObject({
    ...common,
    kind: z.literal('chat-replaced'),
    content: text,
    title: text.optional(),
    ...edited,
  }),
  z.strictObject({ ...common, kind: z.literal('chat-purged'), ...edited }),
  /** `principal` changed what governs the pool. See `Change`. */
  z.strictObject({ ...common, kind: z.literal('change'), ...Change.shape }),
])
export type ComplianceEvent = z.infer<typeof ComplianceEvent>
export type EventKind = ComplianceEvent['kind']
export type EventOf<K extends EventKind> = Extract<ComplianceEvent, { kind: K }>

export const EVENT_KINDS = [
  'chat',
  'join',
  'part',
  'backchat',
  'file-upload',
  'file-download',
  'chat-replaced',
  'chat-purged',
  'change',
] as const satisfies readonly EventKind[]
