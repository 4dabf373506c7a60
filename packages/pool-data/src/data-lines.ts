import { POOL_ROLES, ROOM_INVITATIONS, ROOM_PRIVACIES, ROOM_ROLES, ROOM_TYPES, SCOPE_LISTS } from '@hansard/rooms'
import { z } from 'zod'
import { type DataKind, type DataManifest, FIRST_DATA_FORMAT } from './data-format.ts'

const text = z.string()
const flag = z.boolean()
/** Milliseconds since 1970 UTC, within the range of dates. */
const time = z.number().int().min(0).max(8.64e15)
const count = z
  .number()
  .int()
  .min(0)
  .max(2 ** 48)
const uri = z.string().min(1).max(1_024)

/** The line of each kind. Members are written in this order. */
const LINES = {
  policies: z.strictObject({ identity: text.min(1), description: text, enabled: flag }),
  principals: z.strictObject({
    uri,
    type: z.enum(['user', 'group', 'domain']),
    account: text.min(1),
    domain: text,
    displayName: text,
    email: text.nullable(),
    internal: flag,
    disabled: flag,
    /** identity of the policy */
    policy: text.nullable(),
    roles: z.array(z.enum(POOL_ROLES)),
    createdAt: time,
    lastInvitationId: count,
  }),
  'group-members': z.strictObject({ group: uri, member: uri }),
  'add-ins': z.strictObject({ name: text.min(1), url: text }),
  endpoints: z.strictObject({ uri, displayName: text }),
  configuration: z.strictObject({ identity: text.min(1), settings: z.record(text, z.json()) }),
  categories: z.strictObject({
    uri,
    name: text.min(1),
    description: text,
    invitations: flag,
    fileUpload: flag,
    chatHistory: flag,
    createdAt: time,
  }),
  'category-scopes': z.strictObject({ category: uri, list: z.enum(SCOPE_LISTS), principal: uri }),
  rooms: z.strictObject({
    uri,
    name: text.min(1),
    description: text,
    topic: text,
    category: uri,
    type: z.enum(ROOM_TYPES),
    privacy: z.enum(ROOM_PRIVACIES),
    invitations: z.enum(ROOM_INVITATIONS),
    /** name of the add-in */
    addIn: text.nullable(),
    disabled: flag,
    createdAt: time,
    /** 0 where the chats are not in the file */
    lastChatId: count,
  }),
  'room-roles': z.strictObject({ room: uri, role: z.enum(ROOM_ROLES), principal: uri }),
  follows: z.strictObject({ principal: uri, room: uri }),
  'read-marks': z.strictObject({ principal: uri, room: uri, chat: count }),
  feeds: z.strictObject({ principal: uri, name: text, filter: text }),
  preferences: z.strictObject({ principal: uri, label: text, version: count, content: text }),
  invitations: z.strictObject({
    principal: uri,
    id: count,
    room: uri,
    inviterUri: text,
    inviterName: text,
    createdAt: time,
  }),
  files: z.strictObject({
    id: text.regex(/^[0-9a-f-]{36}$/),
    room: uri,
    principal: uri,
    /** made safe */
    fileName: text,
    /** what the user called it; null where that was not kept */
    givenName: text.nullable(),
    storedName: text.regex(/^[0-9a-f-]{36}(?:\.[a-z0-9]{1,16})?$/),
    size: count,
    sha256: text.regex(/^[0-9a-f]{64}$/),
    createdAt: time,
    endedAt: time,
  }),
} satisfies Record<DataKind, z.ZodType>

export type LineOf<K extends DataKind> = z.infer<(typeof LINES)[K]>

/** How the lines of a kind are read in a file of this format. */
export function lineSchema<K extends DataKind>(kind: K, format: DataManifest['format']): z.ZodType<LineOf<K>> {
  const schema = kind === 'files' && format === FIRST_DATA_FORMAT ? FirstFileLine : LINES[kind]
  return schema as unknown as z.ZodType<LineOf<K>>
}

const FirstFileLine = LINES.files.omit({ givenName: true }).transform((line) => ({ ...line, givenName: null }))

/**
 * A chat. `title`: it is a story. `unlogged`: it belongs to a room without history, and its text is not included. A
 * purged chat has its id and nothing else.
 */
export const ChatLine = z.strictObject({
  id: count.min(1),
  at: time,
  author: uri,
  post: text.min(1).max(256),
  content: text,
  title: text.nullable(),
  alert: flag,
  state: z.enum(['kept', 'replaced', 'purged']),
  unlogged: flag,
})
export type ChatLine = z.infer<typeof ChatLine>

type Key = readonly (string | number)[]

/** The strict sort key of the lines of a kind: texts by their bytes in UTF-8, numbers by their value. */
export const LINE_KEYS: { readonly [K in DataKind]: (line: LineOf<K>) => Key } = {
  policies: (line) => [line.identity],
  principals: (line) => [line.uri],
  'group-members': (line) => [line.group, line.member],
  'add-ins': (line) => [line.name],
  endpoints: (line) => [line.uri],
  configuration: (line) => [line.identity],
  categories: (line) => [line.uri],
  'category-scopes': (line) => [line.category, line.list, line.principal],
  rooms: (line) => [line.uri],
  'room-roles': (line) => [line.room, line.role, line.principal],
  follows: (line) => [line.principal, line.room],
  'read-marks': (line) => [line.principal, line.room],
  feeds: (line) => [line.principal, line.name],
  preferences: (line) => [line.principal, line.label],
  invitations: (line) => [line.principal, line.id],
  files: (line) => [line.id],
}

export function compareKeys(a: Key, b: Key): number {
  for (const [index, part] of a.entries()) {
    const other = b[index]!
    const order =
      typeof part === 'number'
        ? part - (other as number)
        : Buffer.compare(Buffer.from(part), Buffer.from(String(other)))
    if (order !== 0) return order
  }
  return 0
}
