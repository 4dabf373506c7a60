import { roomNameProblem, TEXT_LIMITS, textProblem } from '@hansard/rooms'
import { entryOf } from './data-format.ts'
import { compareKeys, LINE_KEYS, type LineOf } from './data-lines.ts'
import { deleteRows, differences, makeRow, noteMade, roomIds, tell, updateRow } from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

type Line = LineOf<'categories'>
type Row = Readonly<Record<string, unknown>> & { readonly id: number }

/**
 * Imports categories by URI. An existing category of the same name under another URI is removed if it never had a
 * room (such as the default category of a new pool); otherwise it stays and takes the file's properties.
 */
export async function importCategories(run: ImportRun): Promise<void> {
  const kind = 'categories'
  await inBatches(run, entryOf(kind), run.file.lines(kind), LINE_KEYS[kind], compareKeys, async (step, lines) => {
    for (const line of lines) step.count(kind, await importCategory(step, line))
  })
}

const PROPERTIES = {
  name: 'name',
  description: 'description',
  invitations: 'invitations',
  file_upload: 'fileUpload',
  chat_history: 'chatHistory',
}

async function importCategory(step: Step, line: Line): Promise<'made' | 'changed' | 'same' | 'left'> {
  const wanted = {
    uri: line.uri,
    name: line.name,
    description: line.description,
    invitations: line.invitations,
    file_upload: line.fileUpload,
    chat_history: line.chatHistory,
    created_at: line.createdAt,
  }
  const left = (problem: string) => {
    step.problem(line.uri, problem, line)
    return 'left' as const
  }
  const problem =
    roomNameProblem(line.name, 'A category name') ??
    textProblem('A description', line.description, TEXT_LIMITS.description)
  if (problem) return left(problem)
  if (!/^ma-cat:\/\/[^/]+\/[0-9a-f-]{36}$/.test(line.uri)) return left('It is no URI of a category.')
  if (await step.knex('room').where({ uri: line.uri }).first('id')) return left('It is the URI of the pool itself.')

  const byUri: Row | undefined = await step.knex('category').where({ uri: line.uri }).first()
  const byName: Row | undefined = await step.knex('category').where({ name: line.name }).first()
  let row = byUri ?? byName
  if (row && step.run.isReference('categories')) return 'same'
  if (byUri && byName && byUri.id !== byName.id) return left(`Another category is called ${line.name} here.`)
  if (!byUri && byName && !(await step.knex('room').where({ category_id: byName.id }).first('id'))) {
    await makeWay(step, byName)
    row = undefined
  }
  if (row && row['uri'] !== line.uri) {
    wanted.uri = row['uri'] as string
    step.problem(line.uri, `The category ${line.name} has rooms here and keeps its URI ${wanted.uri}.`, line)
  }
  const { update, before, after } = differences(row, wanted, PROPERTIES)
  if (row && Object.keys(update).length === 0) return 'same'
  const subject = { type: 'category' as const, uri: wanted.uri, name: line.name }
  if (!row) {
    await makeRow(step, 'category', wanted)
    if (step.run.isReference('categories')) await noteMade(step, line.uri)
    tell(step, 'created', subject, { before: {}, after })
    return 'made'
  }
  await updateRow(step, 'category', { id: row.id }, update)
  tell(step, 'changed', subject, { before, after })
  for (const room of await roomIds(step, { category_id: row.id })) step.rights.add(room)
  return 'changed'
}

async function makeWay(step: Step, row: Row): Promise<void> {
  await deleteRows(step, 'category_scope', { category_id: row.id })
  await deleteRows(step, 'category', { id: row.id })
  const subject = { type: 'category' as const, uri: row['uri'] as string, name: row['name'] as string }
  tell(step, 'deleted', subject, { before: { name: subject.name }, after: {} })
}
