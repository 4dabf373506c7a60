import type { ChangeValue } from '@hansard/compliance-event'
import { isKeepable } from '@hansard/rooms'
import type { Step } from './import-run.ts'

/** The properties that a change altered. */
export type Differences = { before: Record<string, ChangeValue>; after: Record<string, ChangeValue> }
export type ImportedSubject = {
  type:
    | 'room'
    | 'category'
    | 'user'
    | 'group'
    | 'add-in'
    | 'policy'
    | 'endpoint'
    | 'pool-configuration'
    | 'imported-chat'
  uri: string
  name: string
}

/** Records a change, in the room or, without one, in the pool's own conversation. Does nothing when nothing differs. */
export function tell(
  step: Step,
  action: 'created' | 'changed' | 'deleted',
  subject: ImportedSubject,
  { before, after }: Differences,
  roomId: number = step.run.poolRoomId,
): void {
  if (action === 'changed' && Object.keys(before).length + Object.keys(after).length === 0) return
  const detail = { kind: 'change' as const, action, subject, before, after }
  step.events.push({ roomId, principal: step.run.actor, detail })
}

/** The columns whose values differ, and the same as event properties. A column without a property is not recorded. */
export function differences(
  row: Readonly<Record<string, unknown>> | undefined,
  wanted: Readonly<Record<string, unknown>>,
  properties: Readonly<Record<string, string>>,
): { update: Record<string, unknown> } & Differences {
  const update: Record<string, unknown> = {}
  const before: Record<string, ChangeValue> = {}
  const after: Record<string, ChangeValue> = {}
  for (const [column, value] of Object.entries(wanted)) {
    const old = typeof value === 'boolean' ? Boolean(row?.[column]) : row?.[column]
    if (row && old === value) continue
    update[column] = value
    const property = properties[column]
    if (property === undefined) continue
    if (row) before[property] = old as ChangeValue
    after[property] = value as ChangeValue
  }
  return { update, before, after }
}

/** Why a text of a row cannot be stored in a plain column; undefined when all can. */
export function unkeepable(row: Readonly<Record<string, unknown>>): string | undefined {
  const kept = Object.values(row).every((value) => typeof value !== 'string' || isKeepable(value))
  return kept ? undefined : 'A text of it holds characters that no database keeps.'
}

type Table = 'principal' | 'category' | 'room' | 'policy' | 'add_in'
const KEY_COLUMNS = { principal: 'uri', category: 'uri', room: 'uri', policy: 'identity', add_in: 'name' } as const

/**
 * Ids by URI (or name), of existing rows and, in a dry run, of rows it would have created by now. Deleted rooms are
 * excluded.
 */
export async function idsOf(
  step: Pick<Step, 'run' | 'knex'>,
  table: Table,
  keys: Iterable<string>,
): Promise<Map<string, number>> {
  const wanted = [...new Set(keys)]
  const found = new Map<string, number>()
  const column = KEY_COLUMNS[table]
  for (let from = 0; from < wanted.length; from += 400) {
    const query = step.knex(table).whereIn(column, wanted.slice(from, from + 400))
    if (table === 'room') query.whereNotNull('category_id').whereNull('deleted_at')
    const rows: { id: number; key: string }[] = await query.select('id', `${column} as key`)
    for (const { key, id } of rows) found.set(key, id)
  }
  for (const key of wanted) {
    const planned = step.run.planned.get(`${table} ${key}`)
    if (planned !== undefined && !found.has(key)) found.set(key, planned)
  }
  if (table !== 'category') return found
  // A category that exists under another URI is found by its name.
  const others = new Map<string, string>()
  for (const key of wanted) {
    const name = step.run.categoryNames.get(key)
    if (name !== undefined && !found.has(key)) others.set(name, key)
  }
  if (others.size === 0) return found
  const rows: { id: number; name: string }[] = await step.knex('category').whereIn('name', [...others.keys()])
  for (const { id, name } of rows) found.set(others.get(name)!, id)
  return found
}

/** Inserts a row, or plans to. */
export async function makeRow(step: Step, table: Table, row: Readonly<Record<string, unknown>>): Promise<number> {
  const key = `${table} ${String(row[KEY_COLUMNS[table]])}`
  if (step.run.dry) {
    const id = -(step.run.planned.size + 1)
    step.run.planned.set(key, id)
    return id
  }
  const [made]: { id: number }[] = await step.knex(table).insert(row).returning('id')
  return made!.id
}

export async function updateRow(
  step: Step,
  table: string,
  where: Readonly<Record<string, unknown>>,
  update: Readonly<Record<string, unknown>>,
): Promise<void> {
  if (step.run.dry || Object.keys(update).length === 0) return
  await step.knex(table).where(where).update(update)
}

export async function deleteRows(step: Step, table: string, where: Readonly<Record<string, unknown>>): Promise<void> {
  if (!step.run.dry) await step.knex(table).where(where).delete()
}

/** knex writes a multi-row insert for SQLite as a compound select, which has at most 500 terms. */
export async function insertRows(step: Step, table: string, rows: readonly object[]): Promise<void> {
  if (step.run.dry) return
  for (let from = 0; from < rows.length; from += 400) await step.knex(table).insert(rows.slice(from, from + 400))
}

/** Existing rooms in ascending id. A change that affects all of them increments the rights version of all. */
export async function roomIds(step: Step, where: Readonly<Record<string, unknown>> = {}): Promise<number[]> {
  const rows: { id: number }[] = await step.knex('room').whereNotNull('category_id').andWhere(where).select('id')
  return rows.map((row) => row.id)
}

/** Notes that this import created the row, so that it may complete a row that it created as a mere reference. */
export async function noteMade(step: Step, uri: string): Promise<void> {
  if (!step.run.dry)
    await step.knex('import_made').insert({ import: step.run.file.identity, uri }).onConflict().ignore()
}

export async function madeHere(step: Step, uris: readonly string[]): Promise<Set<string>> {
  if (step.run.dry) {
    const tables = Object.keys(KEY_COLUMNS)
    return new Set(uris.filter((uri) => tables.some((table) => step.run.planned.has(`${table} ${uri}`))))
  }
  const rows: { uri: string }[] = await step
    .knex('import_made')
    .where({ import: step.run.file.identity })
    .whereIn('uri', uris)
  return new Set(rows.map((row) => row.uri))
}
