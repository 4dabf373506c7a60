import { keptPrincipalUri } from '@hansard/rooms'
import { DATA_LIMITS, type DataKind, entryOf } from './data-format.ts'
import { compareKeys, type LineOf } from './data-lines.ts'
import type { DataFile } from './open-data-file.ts'
import { DataFileError } from './read-jsonl.ts'

export type ListKind = 'group-members' | 'category-scopes' | 'room-roles'
export type OwnerKind = 'principals' | 'categories' | 'rooms'
/** `line`: the line of the file */
export type Entry = { readonly list: string; readonly principal: string; readonly line: object }
/** An owner of lists, with all their entries. */
export type Owner<L = LineOf<OwnerKind>> = {
  readonly uri: string
  readonly line: L
  readonly entries: readonly Entry[]
}

/** Which kinds of line are lists, and of which owners. */
export type ListShape<K extends ListKind, O extends OwnerKind> = {
  readonly kind: K
  readonly owners: O
  readonly isOwner: (line: LineOf<O>) => boolean
  readonly entryOf: (line: LineOf<K>) => Omit<Entry, 'line'> & { readonly owner: string }
}

export const MEMBERS: ListShape<'group-members', 'principals'> = {
  kind: 'group-members',
  owners: 'principals',
  isOwner: (line) => line.type === 'group',
  entryOf: (line) => ({ owner: line.group, list: 'member', principal: line.member }),
}
export const SCOPES: ListShape<'category-scopes', 'categories'> = {
  kind: 'category-scopes',
  owners: 'categories',
  isOwner: () => true,
  entryOf: (line) => ({ owner: line.category, list: line.list, principal: line.principal }),
}
export const ROLES: ListShape<'room-roles', 'rooms'> = {
  kind: 'room-roles',
  owners: 'rooms',
  isOwner: () => true,
  entryOf: (line) => ({ owner: line.room, list: line.role, principal: line.principal }),
}

/**
 * Throws `DataFileError` when a list has no owner in the file, when a list is too long, or when a principal appears
 * twice with its domain spelt in two ways.
 */
export async function checkOwners(file: DataFile): Promise<void> {
  await checkSpelling(file)
  for await (const _ of ownersOf(file, MEMBERS));
  for await (const _ of ownersOf(file, SCOPES));
  for await (const _ of ownersOf(file, ROLES));
}

async function checkSpelling(file: DataFile): Promise<void> {
  const respelt = new Map<string, string>()
  const refuse = (line: LineOf<'principals'>, other: string) => {
    const where = `${entryOf('principals')}, line ${file.numberOf(line)}`
    throw new DataFileError(`${where}: ${line.uri} and ${other} are one, for case makes no difference in a domain.`)
  }
  for await (const line of file.lines('principals')) {
    const kept = keptPrincipalUri(line.uri)
    if (kept === line.uri) continue
    const other = respelt.get(kept)
    if (other !== undefined) refuse(line, other)
    respelt.set(kept, line.uri)
  }
  if (respelt.size === 0) return
  for await (const line of file.lines('principals')) {
    const other = respelt.get(line.uri)
    if (other !== undefined) refuse(line, other)
  }
}

/**
 * Owners with their lists, one at a time. Both entries are sorted by owner, so they are merged while reading. Each
 * principal is on a list once, even when its domain is spelt in two ways.
 */
export async function* ownersOf<K extends ListKind, O extends OwnerKind>(
  file: DataFile,
  shape: ListShape<K, O>,
): AsyncGenerator<Owner<LineOf<O>>> {
  const stray = (owner: string) =>
    new DataFileError(`${entryOf(shape.kind)} has a line of ${owner}, which is not in ${entryOf(shape.owners)}.`)
  const lines = file.lines(shape.kind as DataKind as K)[Symbol.asyncIterator]()
  let next = await lines.next()
  for await (const line of file.lines(shape.owners)) {
    const entries = new Map<string, Entry>()
    for (; !next.done; next = await lines.next()) {
      const { owner, list, principal } = shape.entryOf(next.value)
      const order = compareKeys([owner], [line.uri])
      if (order > 0) break
      if (order < 0 || !shape.isOwner(line)) throw stray(owner)
      const kept = keptPrincipalUri(principal)
      entries.set(`${list} ${kept}`, { list, principal: kept, line: next.value })
      if (entries.size > DATA_LIMITS.listEntries)
        throw new DataFileError(
          `${entryOf(shape.kind)}: ${owner} has more than ${DATA_LIMITS.listEntries} entries, the most a list may have.`,
        )
    }
    if (shape.isOwner(line)) yield { uri: line.uri, line, entries: [...entries.values()] }
  }
  if (!next.done) throw stray(shape.entryOf(next.value).owner)
}
