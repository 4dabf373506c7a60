import { z } from 'zod'

/**
 * A compliance event: an immutable fact about a room, as recorded by the service that accepted it.
 *
 * An event carries everything an export needs, including names as they were at that moment. The same staged events
 * therefore give the same bytes on any day, whatever was renamed since.
 *
 * `source`, `epoch` and `seq` identify the recording service and the event's number: every service instance is a
 * source, every start of it an epoch, and within an epoch events are numbered 1, 2, 3 … without a gap. `incarnation` is
 * the start's random name; events recorded before starts had one lack it. `at` is the
 * source's clock at accept time in milliseconds since 1970 UTC, never earlier than that of the previous event. `clock` is
 * there only when the clock was behind that: `at` is then the previous event's, and `clock` what the clock showed.
 * `room.seq` numbers all events of one room, across sources, in the order the pool database committed them.
 */
const count = z.number().int().nonnegative()
const text = z.string()

const EventRoom = z.strictObject({ uri: text.min(1), name: text, seq: count.min(1) })

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
  incarnation: z
    .string()
    .regex(/^[0-9a-f]{32}$/, 'not 32 hexadecimal digits')
    .optional(),
  seq: count.min(1),
  at: count,
  clock: count.optional(),
  room: EventRoom,
  principal: EventPrincipal,
}

/** Why a participant left a room. `orphaned`: their service died and a survivor recorded the departure. */
export const PartReason = z.enum(['left', 'disconnected', 'orphaned', 'removed', 'stopped'])
export type PartReason = z.infer<typeof PartReason>

const session = { session: text.min(1) }
const chatId = count.min(1)

/** The kinds of subject a change may have. The names are stored and shown, so their meaning never changes. */
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

/** The value of a property or, for a property that is a list, entries of it. */
const value = z.union([text, z.number(), z.boolean(), z.null(), z.array(text)])

/**
 * A change to a room, a category, a principal or a setting: action, subject and the properties that differ.
 *
 * A plain property has its old value in `before` and its new one in `after`. `created` has no `before`. `deleted` has
 * no `after`, and its `before` has everything the subject was, complete lists included. A list (members, for example)
 * is recorded as its differences: removed entries in `before`, added entries in `after`. Replaying all changes of a
 * subject therefore gives its state. A long list takes several events.
 *
 * The event's `room` says where it belongs: a change to a room belongs to that room's conversation, everything else
 * to the pool's own conversation, whose URI is that of the root category (`ma-cat://<domain>/<guid>`).
 *
 * An upload in which the scanner found something creates a `quarantined-file`: refused, and set apart. It belongs to
 * the conversation of the room it was meant for. `principal` is the sender, and `after` has `storedName`, `size`,
 * `sha256`, `signature`, the scanner's name for its finding, and `givenName`, exactly what the sender called the file
 * (`subject.name` is that name made safe; changes recorded before it was kept lack it).
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
 * The chat that was replaced or purged. `replaced` and `replacedTitle` (of a story) are the previous text and title,
 * `author` is who posted it, `postedAt` is when, `alert` says whether it was an alert. `replacedBefore`: the previous
 * text was not the author's but that of an earlier `chat-replaced`.
 *
 * Events recorded before authors were included have only `replaced`, in which the title of a story comes before its
 * text, separated by a line break.
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

/**
 * The file of a transfer. `storedName` is the name of its bytes in the stores. `fileName` is the name that others see
 * and save it under, made safe. `givenName` is exactly what the user called it; events recorded before it was kept lack
 * it.
 */
const transferred = {
  storedName: text,
  fileName: text,
  givenName: text.optional(),
  size: count,
  sha256: text,
}

/**
 * Sign-ins and what became of them. They concern no room and belong to the pool's own conversation. `principal` is who
 * signed in or out; a sign-in that was refused has the pool itself there, because nobody proved who they are, unless
 * the refusal came after that (`not-enabled`).
 *
 * `account`: the account's name; in a refusal as it was typed, truncated and escaped. `remote`: the client's address, if
 * the service knows it. `tokenSession`: id of the session that the sign-in began, the same in all its events. It is
 * carried by the session's token, and is not the `session` of a `join`, which is one connection.
 */
const tokenSession = text.min(1)
const who = { account: text, remote: text.optional() }

/** Why a sign-in was refused. `more-failures`: so many different ones at once that they were only counted. */
export const RefusedSignIn = z.enum([
  'wrong-credentials',
  'too-many-attempts',
  'token-refused',
  'not-enabled',
  'no-channel-service',
  'more-failures',
])
export type RefusedSignIn = z.infer<typeof RefusedSignIn>

export const ComplianceEvent = z.discriminatedUnion('kind', [
  /** `alert`: of high importance. `title`: the chat is a story, and `content` is its body. */
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
  /** A read of history: chats `firstChatId` to `lastChatId` (0 and 0 for an empty page), or a search for `query`. */
  z.strictObject({
    ...common,
    kind: z.literal('backchat'),
    firstChatId: count,
    lastChatId: count,
    query: text.optional(),
  }),
  z.strictObject({ ...common, kind: z.literal('file-upload'), ...transferred }),
  z.strictObject({ ...common, kind: z.literal('file-download'), ...transferred }),
  /**
   * `content` is the new text and, for a story, `title` the new title. Whether the chat is an alert does not change.
   */
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
  /** `expiresAt`: the session's token is refused from then on. */
  z.strictObject({ ...common, kind: z.literal('sign-in'), ...who, tokenSession, expiresAt: count }),
  /** `count` equal refusals. */
  z.strictObject({ ...common, kind: z.literal('sign-in-refused'), ...who, reason: RefusedSignIn, count: count.min(1) }),
  /** `service`: the channel service that the lookup service sent the client to. */
  z.strictObject({ ...common, kind: z.literal('assignment'), account: text, tokenSession, service: text.min(1) }),
  /** Of one session, or, without `tokenSession`, of all sessions of `account`. */
  z.strictObject({ ...common, kind: z.literal('sign-out'), ...who, tokenSession: tokenSession.optional() }),
  /** The session was not signed out before its token expired. */
  z.strictObject({ ...common, kind: z.literal('session-expired'), account: text, tokenSession, expiresAt: count }),
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
  'sign-in',
  'sign-in-refused',
  'assignment',
  'sign-out',
  'session-expired',
] as const satisfies readonly EventKind[]
