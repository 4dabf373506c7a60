import { identitiesOf } from '@hansard/pool-store'
import type { Knex } from '@hansard/sql'
import { type DataKind, entryOf } from './data-format.ts'
import { compareKeys, type LineOf } from './data-lines.ts'
import { deleteRows, type ImportedSubject, idsOf, insertRows, madeHere, roomIds, tell } from './import-rows.ts'
import type { ImportRun, Step } from './import-run.ts'
import {
  type Entry,
  type ListKind,
  type ListShape,
  MEMBERS,
  type Owner,
  type OwnerKind,
  ownersOf,
  ROLES,
  SCOPES,
} from './read-owners.ts'

type Lists<K extends ListKind, O extends OwnerKind> = ListShape<K, O> & {
  readonly ownerTable: 'principal' | 'category' | 'room'
  readonly table: string
  readonly ownerColumn: string
  readonly principalColumn: string
  /** the column that selects the list; undefined when there is only one */
  readonly listColumn: string | undefined
  /** the list's name in events */
  readonly property: (list: string) => string
  readonly subjectType: 'group' | 'category' | 'room'
  readonly roomOf: (ownerId: number) => number | undefined
  /** rooms in which a change of the list may alter a decision */
  readonly reaches: (step: Step, ownerId: number) => Promise<number[]>
  /** before each batch: reads what `refuses` needs */
  readonly begin?: (step: Step) => Promise<void>
  /** why a command would refuse a new entry */
  readonly refuses?: (owner: Owner<LineOf<O>>, entry: Entry) => string | undefined
  /** tells `refuses` which entries are removed */
  readonly leaves?: (owner: Owner<LineOf<O>>, principal: string) => void
}

/** The members of a group. An entry that would close a circle of groups is refused. */
export async function importGroupMembers(run: ImportRun): Promise<void> {
  const holds = new Map<string, Set<string>>()
  let began = false
  const reaches = (from: string, to: string): boolean => {
    const seen = new Set<string>()
    const waiting = [from]
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (next === to) return true
      if (seen.has(next)) continue
      seen.add(next)
      waiting.push(...(holds.get(next) ?? []))
    }
    return false
  }
  await importLists(run, {
    ...MEMBERS,
    ownerTable: 'principal',
    table: 'group_member',
    ownerColumn: 'group_id',
    principalColumn: 'member_id',
    listColumn: undefined,
    property: () => 'members',
    subjectType: 'group',
    roomOf: () => undefined,
    reaches: roomsOfGroup,
    async begin(step) {
      // A dry run changes no table, so what it would have changed is kept from batch to batch.
      if (step.run.dry && began) return
      began = true
      holds.clear()
      const nested: { holder: string; held: string }[] = await step
        .knex('group_member')
        .join('principal as holder', 'holder.id', 'group_id')
        .join('principal as held', 'held.id', 'member_id')
        .where('held.type', 'group')
        .select('holder.uri as holder', 'held.uri as held')
      for (const { holder, held } of nested) holds.set(holder, (holds.get(holder) ?? new Set()).add(held))
    },
    leaves: (owner, principal) => void holds.get(owner.uri)?.delete(principal),
    refuses(owner, { principal }) {
      if (!principal.startsWith('ma-grp:')) return undefined
      if (reaches(principal, owner.uri)) return 'This group would hold itself.'
      holds.set(owner.uri, (holds.get(owner.uri) ?? new Set()).add(principal))
      return undefined
    },
  })
}

/** Rooms that grant something to the group or to a group that contains it, themselves or through their category. */
async function roomsOfGroup(step: Step, groupId: number): Promise<number[]> {
  if (groupId < 0) return []
  const held = [...(await identitiesOf(step.knex as Knex.Transaction, groupId))]
  const rows: { id: number }[] = await step
    .knex('room')
    .whereNotNull('category_id')
    .andWhere((either) =>
      either
        .whereIn('id', step.knex('room_role').whereIn('principal_id', held).select('room_id'))
        .orWhereIn('category_id', step.knex('category_scope').whereIn('principal_id', held).select('category_id')),
    )
    .select('id')
  return rows.map((row) => row.id)
}

export async function importCategoryScopes(run: ImportRun): Promise<void> {
  await importLists(run, {
    ...SCOPES,
    ownerTable: 'category',
    table: 'category_scope',
    ownerColumn: 'category_id',
    principalColumn: 'principal_id',
    listColumn: 'list',
    property: (list) => (list === 'creator' ? 'creators' : list),
    subjectType: 'category',
    roomOf: () => undefined,
    reaches: (step, id) => roomIds(step, { category_id: id }),
  })
}

export async function importRoomRoles(run: ImportRun): Promise<void> {
  await importLists(run, {
    ...ROLES,
    ownerTable: 'room',
    table: 'room_role',
    ownerColumn: 'room_id',
    principalColumn: 'principal_id',
    listColumn: 'role',
    property: (role) => `${role}s`,
    subjectType: 'room',
    roomOf: (id) => id,
    reaches: async (_, id) => [id],
    refuses: ({ line }, { list }) =>
      list === 'presenter' && line.type !== 'auditorium' ? 'Only an auditorium has presenters.' : undefined,
  })
}

/**
 * Makes lists equal to the file: entries that the file lacks are removed. One transaction changes all lists of one
 * owner, so a wall is never half built.
 */
async function importLists<K extends ListKind, O extends OwnerKind>(run: ImportRun, lists: Lists<K, O>): Promise<void> {
  const { kind } = lists
  // An owner without a list is not an owner with an empty list.
  if (!run.file.has(kind)) return
  const entry = entryOf(kind)
  const through = run.doneOf(entry)
  let batch: Owner<LineOf<O>>[] = []
  let size = 0
  const flush = async () => {
    const last = batch.at(-1)
    if (!last) return
    const owners = batch
    batch = []
    size = 0
    await run.batch(entry, [last.uri], (step) => applyLists(step, lists, owners))
    run.onProgress?.(entry, 0)
  }
  for await (const owner of ownersOf(run.file, lists)) {
    if (through && compareKeys([owner.uri], through) <= 0) continue
    batch.push(owner)
    size += owner.entries.length + 1
    if (size >= ENTRIES_AT_ONCE) await flush()
  }
  await flush()
}

const ENTRIES_AT_ONCE = 500

async function applyLists<K extends ListKind, O extends OwnerKind>(
  step: Step,
  lists: Lists<K, O>,
  owners: readonly Owner<LineOf<O>>[],
): Promise<void> {
  const { kind, ownerTable } = lists
  await lists.begin?.(step)
  const ownerIds = await idsOf(
    step,
    ownerTable,
    owners.map((owner) => owner.uri),
  )
  const principals = await idsOf(
    step,
    'principal',
    owners.flatMap((owner) => owner.entries.map((each) => each.principal)),
  )
  const made = step.run.isReference(kind as DataKind)
    ? await madeHere(
        step,
        owners.map((owner) => owner.uri),
      )
    : undefined
  for (const owner of owners) {
    const id = ownerIds.get(owner.uri)
    if (id === undefined) {
      step.count(kind, 'left', owner.entries.length)
      continue
    }
    if (made && !made.has(owner.uri)) {
      step.count(kind, 'same', owner.entries.length)
      continue
    }
    await applyOwner(step, lists, { owner, id, principals })
  }
}

async function applyOwner<K extends ListKind, O extends OwnerKind>(
  step: Step,
  lists: Lists<K, O>,
  { owner, id, principals }: { owner: Owner<LineOf<O>>; id: number; principals: ReadonlyMap<string, number> },
): Promise<void> {
  const { kind, ownerTable, table, ownerColumn, principalColumn, listColumn } = lists
  const rows: { uri: string; id: number; list: string }[] = await step
    .knex(table)
    .join('principal', 'principal.id', `${table}.${principalColumn}`)
    .where(`${table}.${ownerColumn}`, id)
    .select(
      'principal.uri',
      'principal.id',
      step.knex.raw(listColumn === undefined ? "'member' as list" : `${table}.${listColumn} as list`),
    )
  const keyOf = (list: string, uri: string) => `${list} ${uri}`
  const there = new Set(rows.map((row) => keyOf(row.list, row.uri)))
  const wanted = new Set(owner.entries.map((each) => keyOf(each.list, each.principal)))
  const removed = rows.filter((row) => !wanted.has(keyOf(row.list, row.uri)))
  for (const row of removed) lists.leaves?.(owner, row.uri)
  const added: Entry[] = []
  for (const each of owner.entries) {
    if (there.has(keyOf(each.list, each.principal))) {
      step.count(kind, 'same')
      continue
    }
    const problem = principals.has(each.principal)
      ? lists.refuses?.(owner, each)
      : `${each.principal} is not there and not in the file.`
    if (problem) {
      step.problem(owner.uri, `${each.list} ${each.principal}: ${problem}`, each.line)
      step.count(kind, 'left')
    } else added.push(each)
  }
  if (added.length + removed.length === 0) return

  const which = (list: string) => (listColumn === undefined ? {} : { [listColumn]: list })
  for (const row of removed)
    await deleteRows(step, table, { [ownerColumn]: id, [principalColumn]: row.id, ...which(row.list) })
  await insertRows(
    step,
    table,
    added.map((each) => ({
      [ownerColumn]: id,
      [principalColumn]: principals.get(each.principal),
      ...which(each.list),
    })),
  )
  if (added.length > 0) step.count(kind, 'made', added.length)
  if (removed.length > 0) step.count(kind, 'removed', removed.length)
  for (const room of await lists.reaches(step, id)) if (room > 0) step.rights.add(room)
  // In a dry run it may not exist yet; a category may exist here under another URI.
  const column = ownerTable === 'principal' ? 'display_name as name' : 'name'
  const row: { uri: string; name: string } | undefined = await step.knex(ownerTable).where({ id }).first('uri', column)
  const subject: ImportedSubject = { type: lists.subjectType, uri: owner.uri, name: '', ...row }
  const gone = removed.map((each) => ({ list: each.list, principal: each.uri }))
  tellLists(step, lists, subject, id, { added, removed: gone })
}

/** Records a list of any length in events of bounded size. */
function tellLists<K extends ListKind, O extends OwnerKind>(
  step: Step,
  lists: Lists<K, O>,
  subject: ImportedSubject,
  id: number,
  { added, removed }: { added: readonly Told[]; removed: readonly Told[] },
): void {
  const say = (entries: readonly Told[], side: 'before' | 'after') => {
    for (let from = 0; from < entries.length; from += ENTRIES_PER_EVENT) {
      const told: Record<string, string[]> = {}
      for (const { list, principal } of entries.slice(from, from + ENTRIES_PER_EVENT)) {
        const property = lists.property(list)
        told[property] = [...(told[property] ?? []), principal]
      }
      const difference = { before: {}, after: {}, [side]: told }
      tell(step, 'changed', subject, difference, lists.roomOf(id))
    }
  }
  say(removed, 'before')
  say(added, 'after')
}
type Told = Pick<Entry, 'list' | 'principal'>
const ENTRIES_PER_EVENT = 500
