import { parseRoomUri, roomNameProblem, TEXT_LIMITS, textProblem } from '@hansard/rooms'
import { entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import { type Differences, differences, idsOf, madeHere, makeRow, noteMade, tell, updateRow } from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

type Line = LineOf<'rooms'>
type Row = Readonly<Record<string, unknown>> & { readonly id: number }
type Found = {
  readonly row: Row | undefined
  /** URIs of other rooms here with that name */
  readonly namesakes: readonly string[]
  readonly categories: ReadonlyMap<string, number>
  readonly addIns: ReadonlyMap<string, number>
}

/**
 * Imports rooms by URI, which never changes. A room whose chats are still to come is disabled until they are
 * imported, so that nobody posts meanwhile and takes their ids.
 */
export async function importRooms(run: ImportRun): Promise<void> {
  const kind = 'rooms'
  await inBatches(run, entryOf(kind), run.file.lines(kind), LINE_KEYS[kind], compareKeys, async (step, lines) => {
    const uris = lines.map((line) => line.uri)
    const names = lines.map((line) => line.name)
    const query = step.knex('room').whereIn('uri', uris).orWhereIn('name', names).orderBy('id')
    // In ascending id and before all other locks, the order in which all code locks rooms.
    if (!run.dry && run.db.dialect === 'postgres') query.forUpdate()
    const existing: Row[] = await query
    const categories = await idsOf(
      step,
      'category',
      lines.map((line) => line.category),
    )
    const addIns = await idsOf(
      step,
      'add_in',
      lines.flatMap((line) => line.addIn ?? []),
    )
    const byUri = new Map(existing.map((row) => [row['uri'] as string, row]))
    const byName = Map.groupBy(existing, (row) => row['name'])
    for (const line of lines) {
      const uris = (byName.get(line.name) ?? []).map((row) => row['uri'] as string)
      const namesakes = uris.filter((uri) => uri !== line.uri)
      step.count(kind, await importRoom(step, line, { row: byUri.get(line.uri), namesakes, categories, addIns }))
    }
  })
}

const PROPERTIES = {
  name: 'name',
  description: 'description',
  topic: 'topic',
  type: 'type',
  privacy: 'privacy',
  invitations: 'invitations',
  disabled: 'disabled',
}

async function importRoom(
  step: Step,
  line: Line,
  { row, namesakes, categories, addIns }: Found,
): Promise<'made' | 'changed' | 'same' | 'left'> {
  const { run } = step
  const left = (problem: string) => {
    step.problem(line.uri, problem, line)
    return 'left' as const
  }
  const guid = parseRoomUri(line.uri)?.guid
  if (guid === undefined) return left('It is no URI of a room.')
  if (row && row['deleted_at'] !== null) return left('It has been deleted here; a deleted room does not come back.')
  if (row && row['category_id'] === null) return left('It is the URI of the pool itself.')
  if (row && run.isReference('rooms')) return 'same'
  const categoryId = categories.get(line.category)
  if (categoryId === undefined) return left(`Its category ${line.category} is not there.`)
  const addInId = line.addIn === null ? null : addIns.get(line.addIn)
  if (addInId === undefined) step.problem(line.uri, `Its add-in ${line.addIn} is not there; it has none.`, line)
  const chatsToCome = run.file.hasChats(guid)
  const wanted = {
    uri: line.uri,
    name: line.name,
    description: line.description,
    topic: line.topic,
    category_id: categoryId,
    type: line.type,
    privacy: line.privacy,
    invitations: line.invitations,
    add_in_id: addInId ?? null,
    created_at: line.createdAt,
    // An existing room may be disabled, never enabled: somebody may have disabled it on purpose. A new one is enabled
    // when its chats are imported; see `importChats`.
    ...(row && !line.disabled ? {} : { disabled: line.disabled || chatsToCome }),
  }
  const problem =
    roomNameProblem(line.name) ??
    textProblem('A description', line.description, TEXT_LIMITS.description) ??
    textProblem('A topic', line.topic, TEXT_LIMITS.topic)
  if (problem) return left(problem)

  const { update, ...told } = differences(row, wanted, PROPERTIES)
  await tellNames(step, line, row, update, told)
  if (row && Object.keys(update).length === 0) return 'same'
  if ('name' in update) await tellNamesakes(step, line, namesakes)
  const subject = { type: 'room' as const, uri: line.uri, name: line.name }
  if (!row) {
    const id = await makeRow(step, 'room', wanted)
    await noteMade(step, line.uri)
    tell(step, 'created', subject, { before: {}, after: told.after }, id)
    return 'made'
  }
  await updateRow(step, 'room', { id: row.id }, update)
  if (run.dry && update['disabled'] === true) run.planned.set(`room disabled ${line.uri}`, row.id)
  tell(step, 'changed', subject, told, row.id)
  step.rights.add(row.id)
  return 'changed'
}

/** Rooms of one name may come from one pool. A room that is here and not from this file is one to know about. */
async function tellNamesakes(step: Step, line: Line, namesakes: readonly string[]): Promise<void> {
  if (namesakes.length === 0) return
  const made = await madeHere(step, namesakes)
  const other = namesakes.find((uri) => !made.has(uri))
  if (other === undefined) return
  const message = `Another room is called ${line.name} here: ${other}. Both stay, each with its own chats; rename one.`
  step.problem(line.uri, message, line)
}

/** Events identify a category by its URI and an add-in by its name, not by their ids. */
async function tellNames(
  step: Step,
  line: Line,
  row: Row | undefined,
  update: Readonly<Record<string, unknown>>,
  told: Differences,
): Promise<void> {
  if ('category_id' in update) {
    const uriOf = async (id: unknown) => {
      const found: { uri: string } | undefined = await step.knex('category').where({ id }).first('uri')
      return found?.uri
    }
    // A category of the same name may exist here under another URI.
    told.after['category'] = (await uriOf(update['category_id'])) ?? line.category
    if (row) told.before['category'] = (await uriOf(row['category_id'])) ?? null
  }
  if ('add_in_id' in update) {
    told.after['addIn'] = update['add_in_id'] === null ? null : line.addIn
    if (row) {
      const old: { name: string } | undefined = await step.knex('add_in').where({ id: row['add_in_id'] }).first('name')
      told.before['addIn'] = old?.name ?? null
    }
  }
}
