import { type Actor, lockPoolChanges, type RecordWriter } from '@hansard/pool-store'
import { type Database, withSnapshot } from '@hansard/sql'
import { contentsOf } from './data-format.ts'
import { type ExportOptions, ExportRefused, resolveScope } from './export-data.ts'
import type { Changed } from './import-run.ts'
import { piecesOf, selectRows } from './ordered-ids.ts'
import { requireAdministrator } from './require-administrator.ts'

/**
 * Disables the rooms that an export of the same level, scope and start covers, so that nobody posts in them
 * afterwards. Returns the ids of those that were enabled before, so that `exportData` can write them as they were.
 */
export async function disableRooms(
  options: Pick<ExportOptions, 'level' | 'scope' | 'start'> & {
    readonly db: Database
    readonly writer: RecordWriter
    readonly actor: Actor
    readonly onChanged?: ((changed: Changed) => void) | undefined
  },
): Promise<ReadonlySet<number>> {
  const { db, writer, actor, level, start, onChanged } = options
  const contents = contentsOf(level, options.scope !== undefined)
  if (!contents.kinds.includes('rooms')) throw new ExportRefused(`The level ${level} exports no rooms to disable.`)
  const scope = await resolveScope(db.knex, options)
  const { rooms } = await withSnapshot(db, (tx) => selectRows(tx, db.dialect, { contents, scope, start }))
  const disabled = new Set<number>()
  // In ascending id, the order in which all code locks rooms.
  const ascending = rooms.toSorted((a, b) => a - b)
  for (const ids of piecesOf(ascending, 100)) {
    const made = await writer.change(async (tx) => {
      await lockPoolChanges(tx)
      await requireAdministrator(tx, actor)
      const query = tx('room').whereIn('id', ids).whereNull('deleted_at').andWhere({ disabled: false }).orderBy('id')
      if (db.dialect === 'postgres') query.forUpdate()
      const open: { id: number; uri: string; name: string }[] = await query.select('id', 'uri', 'name')
      const openIds = open.map(({ id }) => id)
      await tx('room').whereIn('id', openIds).update({ disabled: true })
      const events = open.map(({ id, uri, name }) => ({
        roomId: id,
        principal: actor,
        detail: {
          kind: 'change' as const,
          action: 'changed' as const,
          subject: { type: 'room' as const, uri, name },
          before: { disabled: false },
          after: { disabled: true },
        },
      }))
      return { events, rights: openIds, result: openIds }
    })
    for (const id of made) disabled.add(id)
    if (made.length > 0) onChanged?.({ rooms: made, principals: [], feeds: [], configuration: false })
  }
  return disabled
}
