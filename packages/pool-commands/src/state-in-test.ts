import type { ComplianceEvent } from '@hansard/compliance-event'
import type { Database, Knex } from '@hansard/sql'
import {
  openPoolStateBuilder,
  type PoolState,
  poolStateFrom,
  type SubjectProperties,
  type SubjectState,
  type SubjectType,
  subjectsOf,
} from '@hansard/test-pool-state'

/** The state of a pool, according to its tables or to its events: equal texts mean equal pools. */
export type StateInTest = Record<string, Record<string, unknown>>

type Shape = { readonly plain: Record<string, unknown>; readonly lists: readonly string[] }
/** Properties by subject, with their defaults, and lists. */
const SHAPES: Record<string, Shape> = {
  room: {
    plain: {
      ...{ name: '', description: '', topic: '', type: 'normal', privacy: 'closed', invitations: 'inherit' },
      ...{ addIn: null, category: null, disabled: false },
    },
    lists: ['members', 'managers', 'presenters'],
  },
  category: {
    plain: { name: '', description: '', invitations: false, fileUpload: false, chatHistory: true },
    lists: ['allowed', 'denied', 'creators'],
  },
  user: {
    plain: { displayName: '', email: null, internal: true, domain: '', disabled: false, policy: null },
    lists: ['roles'],
  },
  group: { plain: { displayName: '', email: null }, lists: ['members'] },
  'add-in': { plain: { name: '', url: '' }, lists: [] },
  policy: { plain: { description: '', enabled: null }, lists: [] },
  endpoint: { plain: { displayName: '' }, lists: [] },
  'pool-state': { plain: { state: 'normal' }, lists: ['activeServers'] },
}

export function stateByEvents(events: Iterable<ComplianceEvent>): StateInTest {
  const state = poolStateFrom(events, { chats: true })
  const found: StateInTest = {}
  for (const [type, { plain, lists }] of Object.entries(SHAPES)) {
    found[type] = byUri(state, type as SubjectType, ({ properties }) => shaped(properties, { plain, lists }))
  }
  // A pool is in its default state until a change sets another.
  found['pool-state'] = { 'pool:test': { state: 'normal', activeServers: [] }, ...found['pool-state'] }
  found['pool-configuration'] = byUri(state, 'pool-configuration', ({ properties }) =>
    Object.fromEntries(Object.entries(properties).filter(([, value]) => value !== null)),
  )
  found['deleted rooms'] = Object.fromEntries(
    [...subjectsOf(state, 'room').values()].filter((room) => room.deleted).map((room) => [room.uri, true]),
  )
  found['presence'] = Object.fromEntries(
    [...state.presence].map(([uri, sessions]) => [
      uri,
      Object.fromEntries([...sessions].map(([session, { principal }]) => [session, principal.uri])),
    ]),
  )
  found['chats'] = Object.fromEntries(
    [...state.chats].map(([uri, chats]) => [
      uri,
      Object.fromEntries([...chats].map(([id, chat]) => [id, { ...chat, title: chat.title ?? null }])),
    ]),
  )
  return found
}

function byUri(state: PoolState, type: SubjectType, of: (subject: SubjectState) => object): Record<string, unknown> {
  const known = [...subjectsOf(state, type).values()].filter((subject) => !subject.deleted)
  return Object.fromEntries(known.map((subject) => [subject.uri, of(subject)]))
}

/**
 * Final states of deleted subjects, according to the deletions and to the events before them: equal, if deletions are
 * complete.
 */
export function deletionsByEvents(events: readonly ComplianceEvent[]): { told: unknown[]; was: unknown[] } {
  const builder = openPoolStateBuilder()
  const [told, was]: [unknown[], unknown[]] = [[], []]
  const deletion = (event: ComplianceEvent | undefined) =>
    event?.kind === 'change' && event.action === 'deleted' && event.subject.type in SHAPES ? event : undefined
  const ofSubject = (event: ReturnType<typeof deletion>) => `${event?.subject.type} ${event?.subject.uri}`
  // In one room, the events of one deletion are consecutive.
  const byRoom = events.toSorted((a, b) =>
    a.room.uri === b.room.uri ? a.room.seq - b.room.seq : a.room.uri < b.room.uri ? -1 : 1,
  )
  let before: Record<string, SubjectProperties[string]> = {}
  for (const [index, event] of byRoom.entries()) {
    const deleted = deletion(event)
    if (deleted) {
      const { type, uri } = deleted.subject
      for (const [name, value] of Object.entries(deleted.before)) {
        const more = before[name]
        before[name] = Array.isArray(value) && Array.isArray(more) ? [...more, ...value] : value
      }
      if (ofSubject(deletion(byRoom[index + 1])) !== ofSubject(deleted)) {
        const known = subjectsOf(builder.state(), type).get(uri)?.properties ?? {}
        told.push([type, uri, shaped(before, SHAPES[type]!)])
        was.push([type, uri, shaped(known, SHAPES[type]!)])
        before = {}
      }
    }
    builder.add(event)
  }
  return { told, was }
}

function shaped(properties: SubjectProperties, { plain, lists }: Shape): Record<string, unknown> {
  const listed = (value: unknown) => (Array.isArray(value) ? value.toSorted() : [])
  return {
    ...Object.fromEntries(Object.entries(plain).map(([name, value]) => [name, properties[name] ?? value])),
    ...Object.fromEntries(lists.map((list) => [list, listed(properties[list])])),
  }
}

type Row = Record<string, unknown>

export async function stateByTables(db: Database): Promise<StateInTest> {
  const { knex } = db
  const principals: { id: number; uri: string }[] = await knex('principal').select('id', 'uri')
  const uriOf = new Map(principals.map(({ id, uri }) => [id, uri]))
  const rooms: Row[] = await knex('room')
    .join('category', 'category.id', 'room.category_id')
    .leftJoin('add_in', 'add_in.id', 'room.add_in_id')
    .whereNull('room.deleted_at')
    .select('room.*', 'category.uri as category', 'add_in.name as add_in')
  const roomRoles = await listsOf(knex('room_role').select('room_id as of', 'role as list', 'principal_id'), uriOf)
  const scopes = await listsOf(knex('category_scope').select('category_id as of', 'list', 'principal_id'), uriOf)
  const poolRoles: { principal_id: number; role: string }[] = await knex('pool_role')
  const members: { group_id: number; member_id: number }[] = await knex('group_member')
  const users: Row[] = await knex('principal')
    .leftJoin('policy', 'policy.id', 'principal.policy_id')
    .where('type', 'user')
    .select('principal.*', 'policy.identity as policy')
  const settings = new Map(
    ((await knex('pool_setting').select()) as { name: string; value: string }[]).map((row) => [row.name, row.value]),
  )
  return {
    room: keyed(rooms, (row) => ({
      ...pick(row, ['name', 'description', 'topic', 'type', 'privacy', 'invitations', 'category']),
      ...{ addIn: row['add_in'], disabled: Boolean(row['disabled']) },
      ...roomRoles(row['id'] as number, { members: 'member', managers: 'manager', presenters: 'presenter' }),
    })),
    category: keyed(await knex('category').select(), (row) => ({
      ...pick(row, ['name', 'description']),
      ...{ invitations: Boolean(row['invitations']), fileUpload: Boolean(row['file_upload']) },
      chatHistory: Boolean(row['chat_history']),
      ...scopes(row['id'] as number, { allowed: 'allowed', denied: 'denied', creators: 'creator' }),
    })),
    user: keyed(users, (row) => ({
      ...{ displayName: row['display_name'], ...pick(row, ['email', 'domain', 'policy']) },
      ...{ internal: Boolean(row['internal']), disabled: Boolean(row['disabled']) },
      roles: poolRoles
        .filter((held) => held.principal_id === row['id'])
        .map((held) => held.role)
        .sort(),
    })),
    group: keyed(await knex('principal').where({ type: 'group' }), (row) => ({
      ...{ displayName: row['display_name'], email: row['email'] },
      members: members
        .filter((held) => held.group_id === row['id'])
        .map((held) => uriOf.get(held.member_id)!)
        .sort(),
    })),
    'add-in': keyed(await knex('add_in').select(), (row) => pick(row, ['name', 'url']), 'add-in:', 'name'),
    policy: keyed(
      await knex('policy').select(),
      (row) => ({ description: row['description'], enabled: Boolean(row['enabled']) }),
      'policy:',
      'identity',
    ),
    endpoint: keyed(await knex('endpoint').select(), (row) => ({ displayName: row['display_name'] })),
    'pool-state': {
      'pool:test': {
        state: settings.get('pool-state') ?? 'normal',
        activeServers: JSON.parse(settings.get('active-servers') ?? '[]') as string[],
      },
    },
    'pool-configuration': keyed(
      await knex('pool_configuration').select(),
      (row) => JSON.parse(row['settings'] as string) as object,
      'configuration:',
      'identity',
    ),
    'deleted rooms': keyed(await knex('room').whereNotNull('deleted_at'), () => true),
    presence: await presenceOf(knex),
    chats: await chatsOf(knex),
  }
}

async function presenceOf(knex: Knex): Promise<Record<string, unknown>> {
  const found: Record<string, Record<string, string>> = {}
  const rows: { room: string; session: string; who: string }[] = await knex('participant')
    .join('room', 'room.id', 'participant.room_id')
    .join('principal', 'principal.id', 'participant.principal_id')
    .select('room.uri as room', 'session', 'principal.uri as who')
  for (const { room, session, who } of rows) found[room] = { ...found[room], [session]: who }
  return found
}

async function chatsOf(knex: Knex): Promise<Record<string, unknown>> {
  const found: Record<string, Record<number, unknown>> = {}
  const rows: { uri: string; chat_id: number; content: string; title: string | null; alert: unknown; state: string }[] =
    await knex('chat').join('room', 'room.id', 'chat.room_id').select('room.uri', 'chat.*')
  for (const row of rows) {
    const title = row.title === null ? null : (JSON.parse(row.title) as string)
    const chat = { content: JSON.parse(row.content) as string, title, alert: Boolean(row.alert), state: row.state }
    found[row.uri] = { ...found[row.uri], [row.chat_id]: chat }
  }
  return found
}

async function listsOf(query: Knex.QueryBuilder, uriOf: ReadonlyMap<number, string>) {
  const rows: { of: number; list: string; principal_id: number }[] = await query
  return (of: number, lists: Record<string, string>) =>
    Object.fromEntries(
      Object.entries(lists).map(([name, list]) => [
        name,
        rows
          .filter((row) => row.of === of && row.list === list)
          .map((row) => uriOf.get(row.principal_id)!)
          .sort(),
      ]),
    )
}

function keyed(rows: Row[], of: (row: Row) => unknown, prefix = '', key = 'uri'): Record<string, unknown> {
  return Object.fromEntries(rows.map((row) => [`${prefix}${row[key]}`, of(row)]))
}

function pick(row: Row, names: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(names.map((name) => [name, row[name]]))
}
