import { createHash } from 'node:crypto'
import type { ChangeValue } from '@hansard/compliance-event'
import { POOL_CONFIGURATION_RANGES } from '@hansard/pool-store'
import { keptPrincipalUri, parseRoomUri } from '@hansard/rooms'
import { chatsEntryOf } from './data-format.ts'
import type { ChatLine, LineOf } from './data-lines.ts'
import { compareKeys } from './data-lines.ts'
import { idsOf, insertRows, madeHere, tell, updateRow } from './import-rows.ts'
import { type ImportRun, inBatches, type Step } from './import-run.ts'

type Line = { readonly line: ChatLine; readonly text: string }
type Room = { readonly id: number; readonly lastChatId: number; readonly disabled: boolean }

/**
 * Imports chats, room by room, under their own ids. Existing chats are compared and never overwritten.
 *
 * The danger is a room in which people go on posting: they would take the ids of chats still to be imported, and a
 * hub would deliver years-old chats as new. So chats are imported only into disabled rooms; rooms that the import
 * created are disabled.
 *
 * Nobody posted these chats here, and the file may say anything. So each is on record as an `imported-chat`: who
 * imported it, from which file, and what that file says of author, time and text. It is never a chat event. Its row
 * names the importer, and everybody who is shown the chat is shown that too. Each batch is also one change event of
 * the room with the SHA-256 of what was imported.
 */
export async function importChats(run: ImportRun): Promise<void> {
  for await (const room of run.file.lines('rooms')) {
    const guid = parseRoomUri(room.uri)?.guid
    if (guid === undefined || !run.file.hasChats(guid)) continue
    const entry = chatsEntryOf(guid)
    const keyOf = ({ line }: Line) => [line.id]
    await inBatches(run, entry, run.file.chats(guid), keyOf, compareKeys, (step, lines) =>
      importBatch(step, room, lines),
    )
    if (run.doneOf(entry)?.[0] !== FINISHED) await run.batch(entry, [FINISHED], (step) => openRoom(step, room))
  }
}

/** Sorts after every chat id: marks that the room is complete, and enabled if the file says so. */
const FINISHED = 2 ** 50

async function importBatch(step: Step, { uri, name }: LineOf<'rooms'>, lines: readonly Line[]): Promise<void> {
  const room = await findRoom(step, uri)
  if (!room) {
    step.count('chats', 'left', lines.length)
    const first = lines[0]!.line
    if (step.run.file.numberOf(first) === 1)
      step.problem(uri, 'The room is not there, so its chats are left out.', first)
    return
  }
  const authors = await idsOf(
    step,
    'principal',
    lines.map(({ line }) => keptPrincipalUri(line.author)),
  )
  const fresh = await findFresh(step, room, lines, authors)
  if (fresh.length === 0) return
  if (!room.disabled) {
    const words = `${fresh.length} chats are not added: the room is open. Disable it first, then import again.`
    step.problem(uri, words, fresh[0]!.line)
    step.count('chats', 'left', fresh.length)
    return
  }
  await insertRows(
    step,
    'chat',
    fresh.map(({ line }) => ({
      room_id: room.id,
      chat_id: line.id,
      posted_at: line.at,
      principal_id: authors.get(keptPrincipalUri(line.author)),
      post: line.post,
      content: JSON.stringify(line.content),
      title: line.title === null ? null : JSON.stringify(line.title),
      alert: line.alert,
      state: line.state,
      unlogged: line.unlogged,
      imported_by: step.run.actor.uri,
      imported_at: step.at,
    })),
  )
  const [first, last] = [fresh[0]!.line.id, fresh.at(-1)!.line.id]
  await setLastChatId(step, uri, room, Math.max(room.lastChatId, last))
  const hash = createHash('sha256')
  for (const { text } of fresh) hash.update(`${text}\n`)
  const after = {
    importedChats: fresh.length,
    firstChatId: first,
    lastChatId: last,
    importedSha256: hash.digest('hex'),
  }
  tell(step, 'changed', { type: 'room', uri, name }, { before: {}, after }, room.id)
  const names = await namesOf(step, [...new Set(authors.values())])
  for (const { line } of fresh) {
    const name = names.get(authors.get(keptPrincipalUri(line.author))!) ?? null
    tell(step, 'created', subjectOf(uri, line), { before: {}, after: toldOf(step, line, name) }, room.id)
  }
  step.count('chats', 'made', fresh.length)
}

function subjectOf(room: string, { id }: ChatLine) {
  return { type: 'imported-chat' as const, uri: `${room}#${id}`, name: `chat ${id}` }
}

function toldOf({ run }: Step, line: ChatLine, authorName: string | null): Record<string, ChangeValue> {
  const { id: chatId, author, at: postedAt, content, title, alert, state } = line
  const origin = { file: run.origin.name, fileSha256: run.origin.sha256, pool: run.file.about.pool }
  const said = { chatId, author, authorName, postedAt, content, alert, state }
  return { ...origin, ...said, ...(title === null ? {} : { title }) }
}

async function namesOf(step: Step, ids: readonly number[]): Promise<Map<number, string>> {
  const rows: { id: number; display_name: string }[] = await step
    .knex('principal')
    .whereIn('id', ids)
    .select('id', 'display_name')
  return new Map(rows.map((row) => [row.id, row.display_name]))
}

/** The chats that can be added. Existing ones are compared, and whatever cannot be added is reported. */
async function findFresh(
  step: Step,
  room: Room,
  lines: readonly Line[],
  authors: ReadonlyMap<string, number>,
): Promise<Line[]> {
  type Row = Readonly<Record<string, unknown>> & { readonly chat_id: number }
  const ids = lines.map(({ line }) => line.id)
  const there: Row[] = await step.knex('chat').where({ room_id: room.id }).whereIn('chat_id', ids)
  const rows = new Map(there.map((row) => [row.chat_id, row]))
  const posts: { principal_id: number; post: string; chat_id: number }[] = await step
    .knex('chat')
    .where({ room_id: room.id })
    .whereIn('principal_id', [...new Set(authors.values())])
    .whereIn(
      'post',
      lines.map(({ line }) => line.post),
    )
    .select('principal_id', 'post', 'chat_id')
  const taken = new Map(posts.map((each) => [`${each.principal_id} ${each.post}`, each.chat_id]))
  const indexed: { indexed_through: number } | undefined = await step
    .knex('search_room')
    .where({ room_id: room.id })
    .first('indexed_through')
  const fresh: Line[] = []
  for (const each of lines) {
    const { line } = each
    const author = authors.get(keptPrincipalUri(line.author))
    const row = rows.get(line.id)
    if (row) {
      const same = author === row['principal_id'] && isSame(line, row)
      step.count('chats', same ? 'same' : 'left')
      if (!same)
        step.problem(`chat ${line.id}`, 'Another chat, or another text of it, stands under this id. It stays.', line)
      continue
    }
    const post = `${author} ${line.post}`
    const problem = problemOf(line, author, taken.get(post), indexed?.indexed_through ?? 0)
    if (problem) {
      step.problem(`chat ${line.id}`, problem, line)
      step.count('chats', 'left')
      continue
    }
    taken.set(post, line.id)
    fresh.push(each)
  }
  return fresh
}

function problemOf(
  line: ChatLine,
  author: number | undefined,
  post: number | undefined,
  indexed: number,
): string | undefined {
  if (author === undefined) return `Its author ${line.author} is not there.`
  if (!line.author.startsWith('sip:')) return `Its author ${line.author} is no user.`
  if (post !== undefined) return `It is the same post as chat ${post}, which is there.`
  if (!/^[\x21-\x7e]{1,64}$/.test(line.post)) return 'The name of its post is not 1 to 64 printable ASCII characters.'
  // The index reads a room's chats in ascending id: it would never find this one.
  if (line.id <= indexed) return 'Later chats of the room are there and in the search index already.'
  return textProblemOf(line)
}

/** What no pool would have accepted under any settings. */
function textProblemOf({ content, title, state }: ChatLine): string | undefined {
  if (state === 'purged') return content === '' && title === null ? undefined : 'It is purged and has a text.'
  if (content === '') return 'It has no text.'
  const bytesMax = POOL_CONFIGURATION_RANGES[title === null ? 'chatBytesMax' : 'storyBytesMax']![1]
  const bytes = Buffer.byteLength(content)
  if (bytes > bytesMax) return `It has ${bytes} bytes; no pool can be set to take more than ${bytesMax}.`
  if (title !== null && (title === '' || title.length > 256)) return 'A title has 1 to 256 characters.'
  return undefined
}

function isSame(line: ChatLine, row: Readonly<Record<string, unknown>>): boolean {
  const state = row['unlogged'] ? 'purged' : row['state']
  if (row['posted_at'] !== line.at || row['post'] !== line.post || state !== line.state) return false
  if (Boolean(row['alert']) !== line.alert) return false
  if (state === 'purged') return true
  const title = line.title === null ? null : JSON.stringify(line.title)
  return row['content'] === JSON.stringify(line.content) && row['title'] === title
}

/**
 * All chats of the room are imported: its next chat id comes after them. A room that this import created is enabled
 * now if the file says so. A room that existed before keeps its state, because somebody may have disabled it on
 * purpose.
 */
async function openRoom(step: Step, { uri, name, disabled, lastChatId }: LineOf<'rooms'>): Promise<void> {
  const room = await findRoom(step, uri)
  if (!room) return
  if (room.disabled && lastChatId > room.lastChatId) await setLastChatId(step, uri, room, lastChatId)
  if (step.run.dry) return
  if (!room.disabled || disabled) return
  if (!(await madeHere(step, [uri])).has(uri)) return
  await updateRow(step, 'room', { id: room.id }, { disabled: false })
  tell(
    step,
    'changed',
    { type: 'room', uri, name },
    { before: { disabled: true }, after: { disabled: false } },
    room.id,
  )
  step.rights.add(room.id)
}

async function setLastChatId(step: Step, uri: string, { id }: Room, last: number): Promise<void> {
  if (step.run.dry) step.run.planned.set(`last chat of ${uri}`, last)
  else await updateRow(step, 'room', { id }, { last_chat_id: last })
}

async function findRoom(step: Step, uri: string): Promise<Room | undefined> {
  const query = step.knex('room').where({ uri }).whereNotNull('category_id').whereNull('deleted_at')
  // Take this lock before any lock that others take.
  if (!step.run.dry && step.run.db.dialect === 'postgres') query.forUpdate()
  const row: { id: number; last_chat_id: number; disabled: boolean | number } | undefined = await query.first()
  if (row) {
    const disabled = Boolean(row.disabled) || step.run.planned.has(`room disabled ${uri}`)
    return { id: row.id, lastChatId: step.run.planned.get(`last chat of ${uri}`) ?? row.last_chat_id, disabled }
  }
  const planned = step.run.planned.get(`room ${uri}`)
  const lastChatId = step.run.planned.get(`last chat of ${uri}`) ?? 0
  return planned === undefined ? undefined : { id: planned, lastChatId, disabled: true }
}
