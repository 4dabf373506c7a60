import { chatQuery, matches, QueryRefused, type WordMatch } from '@hansard/chat-text'
import { EDITED_AT_ONCE } from '@hansard/pool-store'
import { quoted } from '@hansard/rooms'
import type { Knex } from '@hansard/sql'
import type { CommandActor, Context } from './context.ts'
import {
  type ChatToEdit,
  chatsOf,
  editChats,
  type Replacement,
  requireFitting,
  type TextLimits,
  textsOf,
} from './edit-chats.ts'
import { lockRoom, type RoomName } from './locked.ts'
import { findNamed } from './named-principals.ts'
import { ChangeRefused, type Result } from './result.ts'

/** Selects chats of a room: every given condition must hold. Times are milliseconds, both ends included. */
export type ChatSelection = {
  readonly words?: string | undefined
  readonly match?: WordMatch | undefined
  readonly caseSensitive?: boolean | undefined
  readonly authors?: readonly string[] | undefined
  readonly from?: number | undefined
  readonly to?: number | undefined
}

const TEXT_MAX = 262_144
const TITLE_MAX = 256

/** Edits of posted chats. The record keeps the old text. */
export function chatCommands(context: Context) {
  const { bus, from } = context

  const announce = ({ id, edit }: Edited) => {
    if (edit !== undefined) bus.publish({ t: 'chats-edited', room: id, from, edit })
  }

  const editOne = async (
    by: CommandActor,
    { room, chat }: RoomName & { chat: number },
    replacement?: Replacement & { limits?: TextLimits | undefined },
  ): Promise<Result<{ id: number; uri: string }>> => {
    const result = await context.makeInRoom(by, async (by, tx) => {
      const locked = await lockRoom(tx, { room }, by, replacement ? 'replace-chat' : 'delete-chat')
      const row = await findChat(tx, locked.room.id, chat)
      if (!row) throw new ChangeRefused('no-such-chat', `${locked.room.name} has no chat ${chat}.`)
      if (replacement) requireFitting(row, replacement)
      const { events, ...done } = await editChats(tx, locked, [row], by, replacement)
      return { events, rights: [], result: { id: locked.room.id, uri: locked.room.uri, ...done } }
    })
    if (!result.ok) return result
    announce(result.value)
    const { id, uri } = result.value
    return { ok: true, value: { id, uri } }
  }

  /** Edits in steps, each a change of its own; a step that finds nothing is the last. */
  const editMany = async (
    by: CommandActor,
    asked: RoomName,
    operation: 'clear-room' | 'purge-chats',
    selection: ChatSelection,
    { replacement, dryRun = false }: { replacement?: Replacement | undefined; dryRun?: boolean | undefined },
  ): Promise<Result<{ id: number; uri: string; count: number }>> => {
    let after = 0
    let count = 0
    // Another room may get the name between two steps, so the name is resolved only once.
    let name = asked
    // Chats posted meanwhile are not affected.
    let through: number | undefined
    for (;;) {
      const result = await context.makeInRoom(by, async (by, tx, at) => {
        const locked = await lockRoom(tx, name, by, operation)
        through ??= locked.room.lastChatId
        const page = await select(tx, locked.room.id, selection, { after, through, now: at })
        const { events, ...done } = dryRun
          ? { events: [], edited: [], edit: undefined }
          : await editChats(tx, locked, page.found, by, replacement)
        const { id, uri } = locked.room
        return { events, rights: [], result: { id, uri, ...done, ...page } }
      })
      if (!result.ok) return result
      announce(result.value)
      count += dryRun ? result.value.found.length : result.value.edited.length
      if (result.value.next === undefined) {
        return { ok: true, value: { id: result.value.id, uri: result.value.uri, count } }
      }
      after = result.value.next
      name = { room: result.value.uri }
    }
  }

  return {
    /** Replaces a chat's text. A story stays one: it keeps its title unless it gets a new one. */
    replaceChat: (
      by: CommandActor,
      {
        text,
        title,
        limits,
        ...named
      }: RoomName & {
        chat: number
        text: string
        title?: string | undefined
        limits?: TextLimits | undefined
      },
    ) => {
      const problem = textProblem(text) ?? (title === undefined ? undefined : titleProblem(title))
      return problem ? Promise.resolve(problem) : editOne(by, named, { text, title, keepsTitle: true, limits })
    },
    /** Purges a chat's text. Its number stays, so that no gap appears. */
    deleteChat: (by: CommandActor, { room, chat }: RoomName & { chat: number }) => editOne(by, { room, chat }),
    /** Purges everything posted at `through` (milliseconds since 1970) or before. */
    clearRoom: (
      by: CommandActor,
      { room, through, dryRun }: RoomName & { through: number; dryRun?: boolean | undefined },
    ): Promise<Result<{ id: number; uri: string; count: number }>> => {
      const problem = timeProblem(through)
      if (problem) return Promise.resolve(problem)
      return editMany(by, { room }, 'clear-room', { to: through }, { dryRun })
    },
    /**
     * Purges the selected chats, or replaces each whole chat by a text: a story becomes a plain chat. A selection
     * without a condition is refused.
     */
    purgeChats: (
      by: CommandActor,
      {
        room,
        filter,
        replacement,
        dryRun,
      }: RoomName & { filter: ChatSelection; replacement?: string | undefined; dryRun?: boolean | undefined },
    ): Promise<Result<{ id: number; uri: string; count: number }>> => {
      const { words, authors, from: first, to } = filter
      if ([words, authors, first, to].every((condition) => condition === undefined)) {
        const message = 'The filter says nothing. To remove everything up to a time, clear the room.'
        return Promise.resolve({ ok: false, refusal: 'invalid', message })
      }
      const problem =
        timeProblem(first) ?? timeProblem(to) ?? (replacement === undefined ? undefined : textProblem(replacement))
      if (problem) return Promise.resolve(problem)
      const whole = replacement === undefined ? {} : { replacement: { text: replacement, keepsTitle: false } }
      return editMany(by, { room }, 'purge-chats', filter, { ...whole, dryRun })
    },
  }
}

type Edited = {
  readonly id: number
  readonly uri: string
  /** ids of the chats that changed */
  readonly edited: readonly number[]
  /** the number of the edit; undefined when it changed nothing */
  readonly edit: number | undefined
}

async function findChat(tx: Knex.Transaction, roomId: number, chatId: number): Promise<ChatToEdit | undefined> {
  if (!Number.isSafeInteger(chatId)) return undefined
  return chatsOf(tx, roomId).andWhere({ chat_id: chatId }).first()
}

/** A page of the selected chats; `next` when there may be more. */
async function select(
  tx: Knex.Transaction,
  roomId: number,
  selection: ChatSelection,
  { after, through, now }: { after: number; through: number; now: number },
): Promise<{ found: ChatToEdit[]; next: number | undefined }> {
  const { words, match = 'all', caseSensitive = false, authors, from, to } = selection
  const query = chatsOf(tx, roomId)
    .andWhere('chat_id', '>', after)
    .andWhere('chat_id', '<=', through)
    .orderBy('chat_id')
    .limit(EDITED_AT_ONCE)
  if (authors !== undefined) {
    const named = await findNamed(tx, authors, now)
    const other = named.find(({ type }) => type !== 'user')
    if (other) throw new ChangeRefused('invalid', `${quoted(other.uri)} is not a user: only users post chats.`)
    query.whereIn(
      'principal_id',
      named.map(({ id }) => id),
    )
  }
  if (from !== undefined) query.andWhere('posted_at', '>=', from)
  if (to !== undefined) query.andWhere('posted_at', '<=', to)
  const rows: ChatToEdit[] = await query
  const next = rows.length === EDITED_AT_ONCE ? rows.at(-1)!.chat_id : undefined
  if (words === undefined) return { found: rows, next }
  const wanted = readQuery({ words, match, caseSensitive })
  return { found: rows.filter((row) => matches(wanted, textsOf(row))), next }
}

function readQuery(asked: { words: string; match: WordMatch; caseSensitive: boolean }) {
  try {
    return chatQuery(asked)
  } catch (error) {
    if (error instanceof QueryRefused) throw new ChangeRefused('invalid', error.message)
    throw error
  }
}

type Problem = { ok: false; refusal: 'invalid'; message: string }

function timeProblem(time: number | undefined): Problem | undefined {
  if (time === undefined || Number.isSafeInteger(time)) return undefined
  return { ok: false, refusal: 'invalid', message: 'A time must be a whole number of milliseconds since 1970.' }
}

function titleProblem(title: string): Problem | undefined {
  if (title !== '' && title.length <= TITLE_MAX) return undefined
  return { ok: false, refusal: 'invalid', message: `A title must have 1 to ${TITLE_MAX} characters.` }
}

function textProblem(text: string): Problem | undefined {
  if (text !== '' && text.length <= TEXT_MAX) return undefined
  const message =
    text === '' ? 'A chat is not replaced by nothing: delete it.' : `A text has ${TEXT_MAX} characters at most.`
  return { ok: false, refusal: 'invalid', message }
}
