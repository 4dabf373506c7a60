import { type DataKind, entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import { idsOf, insertRows, textProblem, updateRow } from './import-rows.ts'
import { type ImportRun, inBatches } from './import-run.ts'

type PersonalKind = 'follows' | 'read-marks' | 'feeds' | 'preferences' | 'invitations'
type Personal<K extends PersonalKind> = {
  readonly table: string
  /** columns that say which row it is, beside the person */
  readonly key: (line: LineOf<K>, roomId: number | undefined) => Record<string, string | number>
  readonly values: (line: LineOf<K>, roomId: number | undefined) => Record<string, unknown>
}

/** What people have set up for themselves: added to what they have here, and laid over it where it goes by the same name. */
export async function importPersonal(run: ImportRun): Promise<void> {
  await importKind(run, 'follows', {
    table: 'followed_room',
    key: (_, room) => ({ room_id: room! }),
    values: () => ({}),
  })
  await importKind(run, 'read-marks', {
    table: 'read_mark',
    key: (_, room) => ({ room_id: room! }),
    values: ({ chat }) => ({ chat_id: chat }),
  })
  await importKind(run, 'feeds', { table: 'feed', key: ({ name }) => ({ name }), values: ({ filter }) => ({ filter }) })
  await importKind(run, 'preferences', {
    table: 'preference',
    key: ({ label }) => ({ label }),
    values: ({ version, content }) => ({ version, content }),
  })
  await importKind(run, 'invitations', {
    table: 'invitation',
    key: ({ id }) => ({ invitation_id: id }),
    values: ({ inviterUri, inviterName, createdAt }, room) => ({
      room_id: room,
      inviter_uri: inviterUri,
      inviter_name: inviterName,
      created_at: createdAt,
    }),
  })
}

async function importKind<K extends PersonalKind>(
  run: ImportRun,
  kind: K,
  { table, key, values }: Personal<K>,
): Promise<void> {
  const keyOf = LINE_KEYS[kind] as (line: LineOf<K>) => readonly (string | number)[]
  await inBatches(run, entryOf(kind as DataKind), run.file.lines(kind), keyOf, compareKeys, async (step, lines) => {
    const people = await idsOf(
      step,
      'principal',
      lines.map((line) => line.principal),
    )
    const rooms = await idsOf(
      step,
      'room',
      lines.flatMap((line) => ('room' in line ? (line.room as string) : [])),
    )
    const rows: Record<string, unknown>[] = await step
      .knex(table)
      .whereIn('principal_id', [...new Set(people.values())])
    const idOf = (row: Readonly<Record<string, unknown>>, columns: readonly string[]) =>
      JSON.stringify([row['principal_id'], ...columns.map((column) => row[column])])
    const fresh: Record<string, unknown>[] = []
    const columns = Object.keys(lines[0] ? key(lines[0], 0) : {})
    const there = new Map(rows.map((row) => [idOf(row, columns), row]))
    for (const line of lines) {
      const person = people.get(line.principal)
      const room = 'room' in line ? rooms.get(line.room as string) : undefined
      const problem =
        person === undefined
          ? `${line.principal} is not there.`
          : 'room' in line && room === undefined
            ? `The room ${String(line.room)} is not there.`
            : textProblem(line)
      if (problem !== undefined) {
        step.problem(line.principal, problem)
        step.count(kind, 'left')
        continue
      }
      const where = { principal_id: person!, ...key(line, room) }
      const wanted = values(line, room)
      const row = there.get(idOf(where, columns))
      if (!row) {
        fresh.push({ ...where, ...wanted })
        step.count(kind, 'made')
        continue
      }
      const same = Object.entries(wanted).every(([column, value]) => row[column] === value)
      if (!same) await updateRow(step, table, where, wanted)
      step.count(kind, same ? 'same' : 'changed')
    }
    await insertRows(step, table, fresh)
  })
}
