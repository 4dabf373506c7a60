import {
  FEEDS_MAX,
  FOLLOWED_ROOMS_MAX,
  feedProblem,
  PREFERENCE_BYTES_MAX,
  PREFERENCE_CHARACTERS_MAX,
  PREFERENCE_LABELS_MAX,
} from '@hansard/pool-store'
import { keptPrincipalUri, nameProblem, TEXT_LIMITS, textProblem } from '@hansard/rooms'
import { z } from 'zod'
import { type DataKind, entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import { idsOf, insertRows, unkeepable, updateRow } from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

type PersonalKind = 'follows' | 'read-marks' | 'feeds' | 'preferences' | 'invitations'
type Row = Readonly<Record<string, unknown>>
/** What a line belongs to: the room it names, how far the room's chats go, and the existing row. */
type Place = { readonly roomId: number; readonly lastChatId: number; readonly row: Row | undefined }
/** The number of rows a person would have of a kind. */
type Use = { readonly count: number; readonly bytes: number }
type Personal<K extends PersonalKind> = {
  readonly table: string
  /** columns that identify the row, besides the person */
  readonly key: (line: LineOf<K>, roomId: number) => Record<string, string | number>
  readonly values: (line: LineOf<K>, place: Place) => Record<string, unknown>
  /** why the pool would refuse it */
  readonly problem?: (line: LineOf<K>) => string | undefined
  /** why the pool would refuse it once the person has that many */
  readonly excess?: (use: Use) => string | undefined
  readonly made?: (step: Step, personId: number, line: LineOf<K>) => Promise<void>
}

/** Imports personal data: added to the existing rows, and replacing a row of the same key. */
export async function importPersonal(run: ImportRun): Promise<void> {
  await importKind(run, 'follows', {
    table: 'followed_room',
    key: (_, room) => ({ room_id: room }),
    values: () => ({}),
    excess: ({ count }) => (count > FOLLOWED_ROOMS_MAX ? `One may follow ${FOLLOWED_ROOMS_MAX} rooms.` : undefined),
  })
  await importKind(run, 'feeds', {
    table: 'feed',
    key: ({ name }) => ({ name }),
    values: ({ filter }) => ({ filter: keptFilter(filter) }),
    problem: ({ name, filter }) => nameProblem('A feed name', name) ?? filterProblem(filter),
    excess: ({ count }) => (count > FEEDS_MAX ? `One may have ${FEEDS_MAX} feeds.` : undefined),
  })
  await importKind(run, 'preferences', {
    table: 'preference',
    key: ({ label }) => ({ label }),
    values: ({ version, content }) => ({ version, content }),
    problem: preferenceProblem,
    excess({ count, bytes }) {
      if (count > PREFERENCE_LABELS_MAX) return `One may keep ${PREFERENCE_LABELS_MAX} bundles of preferences.`
      return bytes > PREFERENCE_BYTES_MAX
        ? `One’s preferences may have ${PREFERENCE_BYTES_MAX} bytes in all.`
        : undefined
    },
  })
  await importKind(run, 'invitations', {
    table: 'invitation',
    key: ({ id }) => ({ invitation_id: id }),
    values: ({ inviterUri, inviterName, createdAt }, { roomId }) => ({
      room_id: roomId,
      inviter_uri: keptPrincipalUri(inviterUri),
      inviter_name: inviterName,
      created_at: createdAt,
    }),
    problem: ({ id, inviterName }) =>
      id < 1 ? 'Invitations are numbered from 1.' : textProblem('A name', inviterName, TEXT_LIMITS.displayName),
    // The next feed gets a new number.
    async made(step, id, line) {
      if (step.run.dry) return
      const behind = step.knex('principal').where({ id }).andWhere('last_invitation_id', '<', line.id)
      await behind.update({ last_invitation_id: line.id })
    },
  })
}

/** Imports read marks. A mark never goes back and never beyond the newest chat, so marks come after the chats. */
export async function importReadMarks(run: ImportRun): Promise<void> {
  await importKind(run, 'read-marks', {
    table: 'read_mark',
    key: (_, room) => ({ room_id: room }),
    values: ({ chat }, { lastChatId, row }) => ({
      chat_id: Math.min(Math.max(chat, Number(row?.['chat_id'] ?? 0)), lastChatId),
    }),
  })
}

async function importKind<K extends PersonalKind>(run: ImportRun, kind: K, personal: Personal<K>): Promise<void> {
  const { table, key, values, problem, excess, made } = personal
  const keyOf = LINE_KEYS[kind] as (line: LineOf<K>) => readonly (string | number)[]
  await inBatches(run, entryOf(kind as DataKind), run.file.lines(kind), keyOf, compareKeys, async (step, lines) => {
    const people = await idsOf(
      step,
      'principal',
      lines.map((line) => keptPrincipalUri(line.principal)),
    )
    const named = lines.flatMap((line) => ('room' in line ? [line.room as string] : []))
    const rooms = await idsOf(step, 'room', named)
    const lastChatIds = await lastChatIdsOf(step, rooms)
    const rows: Row[] = await step.knex(table).whereIn('principal_id', [...new Set(people.values())])
    const idOf = (row: Row, columns: readonly string[]) =>
      JSON.stringify([row['principal_id'], ...columns.map((column) => row[column])])
    const fresh: Record<string, unknown>[] = []
    const columns = Object.keys(lines[0] ? key(lines[0], 0) : {})
    const there = new Map(rows.map((row) => [idOf(row, columns), row]))
    const uses = openUses(step, table, rows)
    for (const line of lines) {
      const uri = keptPrincipalUri(line.principal)
      const left = (why: string) => {
        step.problem(uri, why, line)
        step.count(kind, 'left')
      }
      const person = people.get(uri)
      const room = 'room' in line ? rooms.get(line.room as string) : 0
      if (person === undefined || !uri.startsWith('sip:')) {
        left(person === undefined ? `${uri} is not there.` : 'Only users set up something for themselves.')
        continue
      }
      if (room === undefined) {
        left(`The room ${String((line as { room?: string }).room)} is not there.`)
        continue
      }
      const wrong = problem?.(line) ?? unkeepable(line)
      if (wrong !== undefined) {
        left(wrong)
        continue
      }
      const where = { principal_id: person, ...key(line, room) }
      const row = there.get(idOf(where, columns))
      const wanted = values(line, { roomId: room, lastChatId: lastChatIds.get(room) ?? 0, row })
      if (row && Object.entries(wanted).every(([column, value]) => row[column] === value)) {
        step.count(kind, 'same')
        continue
      }
      const use = uses.with(uri, person, { ...where, ...wanted }, row)
      const tooMuch = excess?.(use)
      if (tooMuch !== undefined) {
        left(tooMuch)
        continue
      }
      uses.note(uri, person, use)
      step.count(kind, row ? 'changed' : 'made')
      if (kind === 'feeds') step.feeds.add(person)
      if (row) await updateRow(step, table, where, wanted)
      else {
        fresh.push({ ...where, ...wanted })
        await made?.(step, person, line)
      }
    }
    await insertRows(step, table, fresh)
  })
}

/**
 * Counts the rows a person has and would have of a kind. A dry run adds no rows, so it keeps counts from batch to
 * batch.
 */
function openUses(step: Step, table: string, rows: readonly Row[]) {
  const { dry, planned } = step.run
  const uses = new Map<number, Use>()
  for (const row of rows) {
    const person = Number(row['principal_id'])
    const { count, bytes } = uses.get(person) ?? NOTHING
    uses.set(person, { count: count + 1, bytes: bytes + sizeOf(row) })
  }
  const keyOf = (what: keyof Use, uri: string) => `${what} of ${table} ${uri}`
  return {
    with(uri: string, person: number, wanted: Row, row: Row | undefined): Use {
      const had = uses.get(person) ?? NOTHING
      const count = (dry ? planned.get(keyOf('count', uri)) : undefined) ?? had.count
      const bytes = (dry ? planned.get(keyOf('bytes', uri)) : undefined) ?? had.bytes
      return { count: count + (row ? 0 : 1), bytes: bytes + sizeOf(wanted) - (row ? sizeOf(row) : 0) }
    },
    note(uri: string, person: number, use: Use): void {
      uses.set(person, use)
      if (!dry) return
      planned.set(keyOf('count', uri), use.count)
      planned.set(keyOf('bytes', uri), use.bytes)
    },
  }
}

const NOTHING: Use = { count: 0, bytes: 0 }

function sizeOf(row: Row): number {
  return typeof row['content'] === 'string' ? Buffer.byteLength(row['content']) : 0
}

async function lastChatIdsOf(step: Step, rooms: ReadonlyMap<string, number>): Promise<Map<number, number>> {
  const found = new Map<number, number>()
  const ids = [...rooms.values()]
  for (let from = 0; from < ids.length; from += 400) {
    const query = step.knex('room').whereIn('id', ids.slice(from, from + 400))
    const rows: { id: number; last_chat_id: number }[] = await query.select('id', 'last_chat_id')
    for (const row of rows) found.set(row.id, row.last_chat_id)
  }
  for (const [uri, id] of rooms) {
    const planned = step.run.planned.get(`last chat of ${uri}`)
    if (planned !== undefined) found.set(id, planned)
  }
  return found
}

const FeedFilter = z.strictObject({
  words: z.array(z.string().min(1).max(256)),
  authors: z.array(z.string().min(1).max(1_024)),
  ego: z.boolean(),
})

function filterProblem(text: string): string | undefined {
  const parsed = FeedFilter.safeParse(jsonOf(text))
  return parsed.success ? feedProblem(parsed.data) : 'Its filter is none: it takes words, authors and ego.'
}

function keptFilter(text: string): string {
  const { words, authors, ego } = FeedFilter.parse(jsonOf(text))
  return JSON.stringify({ words, authors: authors.map(keptPrincipalUri), ego })
}

function preferenceProblem({ label, version, content }: LineOf<'preferences'>): string | undefined {
  const problem = nameProblem('A label', label)
  if (problem) return problem
  if (version < 1) return 'Versions of preferences count from 1.'
  const text = jsonOf(content)
  if (typeof text !== 'string' || JSON.stringify(text) !== content) return 'Its content is no text written as JSON.'
  if (text.length <= PREFERENCE_CHARACTERS_MAX) return undefined
  return `A bundle of preferences may have ${PREFERENCE_CHARACTERS_MAX} characters.`
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
