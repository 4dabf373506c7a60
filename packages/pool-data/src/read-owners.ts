import { DATA_LIMITS, type DataKind, entryOf } from './data-format.ts'
import { compareKeys, type LineOf } from './data-lines.ts'
import type { DataFile } from './open-data-file.ts'
import { DataFileError } from './read-jsonl.ts'

export type ListKind = 'group-members' | 'category-scopes' | 'room-roles'
export type OwnerKind = 'principals' | 'categories' | 'rooms'
export type Entry = { readonly list: string; readonly principal: string }
/** What has lists, with all that is on them. */
export type Owner = { readonly uri: string; readonly name: string; readonly entries: readonly Entry[] }

/** Which lines are lists, and whose. */
export type ListShape<K extends ListKind, O extends OwnerKind> = {
  readonly kind: K
  readonly owners: O
  readonly isOwner: (line: LineOf<O>) => boolean
  readonly nameOf: (line: LineOf<O>) => string
  readonly entryOf: (line: LineOf<K>) => Entry & { readonly owner: string }
}

export const MEMBERS: ListShape<'group-members', 'principals'> = {
  kind: 'group-members',
  owners: 'principals',
  isOwner: (line) => line.type === 'group',
  nameOf: (line) => line.displayName,
  entryOf: (line) => ({ owner: line.group, list: 'member', principal: line.member }),
}
export const SCOPES: ListShape<'category-scopes', 'categories'> = {
  kind: 'category-scopes',
  owners: 'categories',
  isOwner: () => true,
  nameOf: (line) => line.name,
  entryOf: (line) => ({ owner: line.category, list: line.list, principal: line.principal }),
}
export const ROLES: ListShape<'room-roles', 'rooms'> = {
  kind: 'room-roles',
  owners: 'rooms',
  isOwner: () => true,
  nameOf: (line) => line.name,
  entryOf: (line) => ({ owner: line.room, list: line.role, principal: line.principal }),
}

/** Throws `DataFileError` when a list belongs to nothing in the file, or is longer than one may be. */
export async function checkOwners(file: DataFile): Promise<void> {
  for await (const _ of ownersOf(file, MEMBERS));
  for await (const _ of ownersOf(file, SCOPES));
  for await (const _ of ownersOf(file, ROLES));
}

/** Owners with their lists, one at a time. Both entries are sorted by the owner, so they are read side by side. */
export async function* ownersOf<K extends ListKind, O extends OwnerKind>(
  file: DataFile,
  shape: ListShape<K, O>,
): AsyncGenerator<Owner> {
  const stray = (owner: string) =>
    new DataFileError(`${entryOf(shape.kind)} has a line of ${owner}, which is not in ${entryOf(shape.owners)}.`)
  const lines = file.lines(shape.kind as DataKind as K)[Symbol.asyncIterator]()
  let next = await lines.next()
  for await (const line of file.lines(shape.owners)) {
    const entries: Entry[] = []
    for (; !next.done; next = await lines.next()) {
      const { owner, list, principal } = shape.entryOf(next.value)
      const order = compareKeys([owner], [line.uri])
      if (order > 0) break
      if (order < 0 || !shape.isOwner(line)) throw stray(owner)
      entries.push({ list, principal })
      if (entries.length > DATA_LIMITS.listEntries)
        throw new DataFileError(
          `${entryOf(shape.kind)}: ${owner} has more than ${DATA_LIMITS.listEntries} entries, the most a list may have.`,
        )
    }
    if (shape.isOwner(line)) yield { uri: line.uri, name: shape.nameOf(line), entries }
  }
  if (!next.done) throw stray(shape.entryOf(next.value).owner)
}
