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

export const ComplianceEvent = z.discriminatedUnion('kind', [
  z.strictObject({ ...common, kind: z.literal('chat'), chatId, content: text }),
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
  /** `content` is what stands there now, `replaced` what stood there before. */
  z.strictObject({ ...common, kind: z.literal('chat-replaced'), chatId, content: text, replaced: text }),
  z.strictObject({ ...common, kind: z.literal('chat-purged'), chatId, replaced: text }),
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
] as const satisfies readonly EventKind[]
