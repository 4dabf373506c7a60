import type { Dialect, Knex } from '@hansard/sql'
import type { DataKind } from './data-format.ts'
import { type ChatLine, compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import { piecesOf, type Selection } from './ordered-ids.ts'

/** A snapshot of a pool, and which part of it is exported. */
export type Reading = {
  readonly tx: Knex.Transaction
  readonly dialect: Dialect
  readonly selection: Selection
  /** kinds that are included only as references: people then come without their rights */
  readonly references: readonly DataKind[]
  /** ids of rooms that this export disabled: they are written as they were before */
  readonly disabledHere: ReadonlySet<number>
  /** the chats are included, so the rooms say how far they go */
  readonly chats: boolean
}

/** The lines of a kind in key order, a piece at a time. */
export async function* readLines(reading: Reading, kind: DataKind): AsyncGenerator<object> {
  const { tx, selection } = reading
  switch (kind) {
    case 'policies':
      return yield* small(kind, await tx('policy').select('identity', 'description', 'enabled'), (row) => ({
        identity: row['identity'],
        description: row['description'],
        enabled: Boolean(row['enabled']),
      }))
    case 'add-ins': {
      const all = !reading.references.includes(kind)
      const used = tx('room').whereNotNull('category_id').whereNull('deleted_at').whereNotNull('add_in_id')
      const query = tx('add_in').select('name', 'url')
      return yield* small(kind, await (all ? query : query.whereIn('id', used.select('add_in_id'))), (row) => row)
    }
    case 'endpoints':
      return yield* small(kind, await tx('endpoint').select('uri', 'display_name as displayName'), (row) => row)
    case 'configuration':
      return yield* small(kind, await tx('pool_configuration').select('identity', 'settings'), (row) => ({
        identity: row['identity'],
        settings: JSON.parse(String(row['settings'])) as unknown,
      }))
    case 'principals':
      return yield* subjects(selection.principals, (ids) => principals(reading, ids))
    case 'categories':
      return yield* subjects(selection.categories, (ids) => categories(reading, ids))
    case 'rooms':
      return yield* subjects(selection.rooms, (ids) => rooms(reading, ids))
    case 'files':
      return yield* files(reading)
    default:
      return yield* list(reading, kind)
  }
}

/** The chats of a room in ascending id. */
export async function* readChats(tx: Knex.Transaction, roomId: number): AsyncGenerator<ChatLine> {
  for (let after = 0; ; ) {
    const rows: ChatRow[] = await tx('chat')
      .join('principal', 'principal.id', 'chat.principal_id')
      .where({ room_id: roomId })
      .andWhere('chat_id', '>', after)
      .orderBy('chat_id')
      .limit(CHATS_AT_ONCE)
      .select('chat_id', 'posted_at', 'uri', 'post', 'content', 'title', 'alert', 'state', 'unlogged')
    for (const row of rows) yield chatOf(row)
    if (rows.length < CHATS_AT_ONCE) return
    after = rows.at(-1)!.chat_id
  }
}

const CHATS_AT_ONCE = 200
const SUBJECTS_AT_ONCE = 200
const OWNERS_AT_ONCE = 20

type Row = Readonly<Record<string, unknown>>
type ChatRow = {
  chat_id: number
  posted_at: number
  uri: string
  post: string
  content: string
  title: string | null
  alert: boolean | number
  state: ChatLine['state']
  unlogged: boolean | number
}

function chatOf(row: ChatRow): ChatLine {
  const unlogged = Boolean(row.unlogged)
  // The text of a chat in a room without history is kept only until it is delivered, so it is not exported.
  const state = unlogged ? 'purged' : row.state
  const gone = state === 'purged'
  return {
    id: row.chat_id,
    at: row.posted_at,
    author: row.uri,
    post: row.post,
    content: gone ? '' : (JSON.parse(row.content) as string),
    title: gone || row.title === null ? null : (JSON.parse(row.title) as string),
    alert: Boolean(row.alert),
    state,
    unlogged,
  }
}

function* small(kind: DataKind, rows: readonly Row[], lineOf: (row: Row) => object): Generator<object> {
  yield* sorted(kind, rows.map(lineOf))
}

function sorted(kind: DataKind, lines: readonly object[]): object[] {
  const keyOf = LINE_KEYS[kind] as (line: object) => readonly (string | number)[]
  return lines
    .map((line) => ({ line, key: keyOf(line) }))
    .sort((a, b) => compareKeys(a.key, b.key))
    .map(({ line }) => line)
}

async function* subjects(
  ids: readonly number[],
  read: (ids: readonly number[]) => Promise<Map<number, object>>,
): AsyncGenerator<object> {
  for (const piece of piecesOf(ids, SUBJECTS_AT_ONCE)) {
    const found = await read(piece)
    for (const id of piece) yield found.get(id)!
  }
}

async function principals({ tx, references }: Reading, ids: readonly number[]): Promise<Map<number, object>> {
  const bare = references.includes('principals')
  const rows: Row[] = await tx('principal')
    .leftJoin('policy', 'policy.id', 'principal.policy_id')
    .whereIn('principal.id', ids)
    .select('principal.*', 'policy.identity as policy')
  const roles: { principal_id: number; role: string }[] = bare
    ? []
    : await tx('pool_role').whereIn('principal_id', ids).orderBy('role')
  return new Map(
    rows.map((row) => {
      const line: LineOf<'principals'> = {
        uri: row['uri'] as string,
        type: row['type'] as LineOf<'principals'>['type'],
        account: row['account'] as string,
        domain: row['domain'] as string,
        displayName: row['display_name'] as string,
        email: row['email'] as string | null,
        internal: Boolean(row['internal']),
        disabled: Boolean(row['disabled']),
        policy: bare ? null : (row['policy'] as string | null),
        roles: roles.filter((held) => held.principal_id === row['id']).map((held) => held.role as never),
        createdAt: row['created_at'] as number,
        lastInvitationId: bare ? 0 : (row['last_invitation_id'] as number),
      }
      return [row['id'] as number, line]
    }),
  )
}

async function categories({ tx }: Reading, ids: readonly number[]): Promise<Map<number, object>> {
  const rows: Row[] = await tx('category').whereIn('id', ids)
  return new Map(
    rows.map((row) => {
      const line: LineOf<'categories'> = {
        uri: row['uri'] as string,
        name: row['name'] as string,
        description: row['description'] as string,
        invitations: Boolean(row['invitations']),
        fileUpload: Boolean(row['file_upload']),
        chatHistory: Boolean(row['chat_history']),
        createdAt: row['created_at'] as number,
      }
      return [row['id'] as number, line]
    }),
  )
}

async function rooms({ tx, disabledHere, chats }: Reading, ids: readonly number[]): Promise<Map<number, object>> {
  const rows: Row[] = await tx('room')
    .join('category', 'category.id', 'room.category_id')
    .leftJoin('add_in', 'add_in.id', 'room.add_in_id')
    .whereIn('room.id', ids)
    .select('room.*', 'category.uri as category', 'add_in.name as addIn')
  return new Map(
    rows.map((row) => {
      const line: LineOf<'rooms'> = {
        uri: row['uri'] as string,
        name: row['name'] as string,
        description: row['description'] as string,
        topic: row['topic'] as string,
        category: row['category'] as string,
        type: row['type'] as LineOf<'rooms'>['type'],
        privacy: row['privacy'] as LineOf<'rooms'>['privacy'],
        invitations: row['invitations'] as LineOf<'rooms'>['invitations'],
        addIn: row['addIn'] as string | null,
        disabled: Boolean(row['disabled']) && !disabledHere.has(row['id'] as number),
        createdAt: row['created_at'] as number,
        lastChatId: chats ? (row['last_chat_id'] as number) : 0,
      }
      return [row['id'] as number, line]
    }),
  )
}

type ListKind = Exclude<
  DataKind,
  'policies' | 'principals' | 'add-ins' | 'endpoints' | 'configuration' | 'categories' | 'rooms' | 'files'
>

/** The rows that belong to a principal, a category or a room, read for a few of these at a time. */
async function* list({ tx, selection }: Reading, kind: ListKind): AsyncGenerator<object> {
  const named = (table: string) => tx(table).join('principal', 'principal.id', `${table}.principal_id`)
  const inRoom = (table: string) =>
    named(table)
      .join('room', 'room.id', `${table}.room_id`)
      .whereNotNull('room.category_id')
      .whereNull('room.deleted_at')
      .select('principal.uri as principal', 'room.uri as room')
  const sources: { [K in ListKind]: [readonly number[], string, () => Knex.QueryBuilder] } = {
    'group-members': [
      selection.principals,
      'group_id',
      () =>
        tx('group_member')
          .join('principal as holder', 'holder.id', 'group_id')
          .join('principal as held', 'held.id', 'member_id')
          .select('holder.uri as group', 'held.uri as member'),
    ],
    'category-scopes': [
      selection.categories,
      'category_id',
      () =>
        named('category_scope')
          .join('category', 'category.id', 'category_id')
          .select('category.uri as category', 'list', 'principal.uri as principal'),
    ],
    'room-roles': [
      selection.rooms,
      'room_id',
      () =>
        named('room_role')
          .join('room', 'room.id', 'room_id')
          .select('room.uri as room', 'role', 'principal.uri as principal'),
    ],
    follows: [selection.principals, 'principal_id', () => inRoom('followed_room')],
    'read-marks': [selection.principals, 'principal_id', () => inRoom('read_mark').select('read_mark.chat_id as chat')],
    feeds: [
      selection.principals,
      'principal_id',
      () => named('feed').select('principal.uri as principal', 'feed.name as name', 'filter'),
    ],
    preferences: [
      selection.principals,
      'principal_id',
      () => named('preference').select('principal.uri as principal', 'label', 'version', 'content'),
    ],
    invitations: [
      selection.principals,
      'principal_id',
      () =>
        named('invitation')
          .join('room', 'room.id', 'invitation.room_id')
          .whereNotNull('room.category_id')
          .whereNull('room.deleted_at')
          .select(
            'principal.uri as principal',
            'invitation_id as id',
            'room.uri as room',
            'inviter_uri as inviterUri',
            'inviter_name as inviterName',
            'invitation.created_at as createdAt',
          ),
    ],
  }
  const [owners, column, query] = sources[kind]
  for (const piece of piecesOf(owners, OWNERS_AT_ONCE)) yield* sorted(kind, await query().whereIn(column, piece))
}

async function* files({ tx, selection }: Reading): AsyncGenerator<object> {
  const all: string[] = []
  for (const piece of piecesOf(selection.rooms, 400)) {
    const rows: { id: string }[] = await tx('file').whereIn('room_id', piece).andWhere({ state: 'kept' }).select('id')
    all.push(...rows.map((row) => row.id))
  }
  all.sort()
  for (const piece of piecesOf(all, SUBJECTS_AT_ONCE)) {
    const rows: Row[] = await tx('file')
      .join('room', 'room.id', 'file.room_id')
      .join('principal', 'principal.id', 'file.principal_id')
      .whereIn('file.id', piece)
      .select('file.*', 'room.uri as room', 'principal.uri as principal')
    const lines = rows.map(
      (row): LineOf<'files'> => ({
        id: row['id'] as string,
        room: row['room'] as string,
        principal: row['principal'] as string,
        fileName: JSON.parse(row['file_name'] as string) as string,
        givenName: row['given_name'] === null ? null : (JSON.parse(row['given_name'] as string) as string),
        storedName: row['stored_name'] as string,
        size: row['size'] as number,
        sha256: row['sha256'] as string,
        createdAt: row['created_at'] as number,
        endedAt: row['ended_at'] as number,
      }),
    )
    yield* sorted('files', lines)
  }
}
