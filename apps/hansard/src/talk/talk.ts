import { type Chat, type PoolClient, RefusedError, type RoomHandle } from '@hansard/client'
import { misused } from '../command-failure.ts'
import { visible } from '../table.ts'

/** The same said to a person and to a program; to a person nothing where there is no text. */
export type Tell = (text: string | undefined, event: { readonly event: string } & Record<string, unknown>) => void

/** What the commands of `hansard chat` work with: who talks, in which rooms, and what was looked at last. */
export type Talk = {
  readonly client: PoolClient
  readonly tell: Tell
  /** by URI */
  readonly rooms: Map<string, RoomHandle>
  current: RoomHandle | undefined
  /** shows the next page of what was searched or opened last */
  more: (() => Promise<void>) | undefined
  /** the next line as it is typed; undefined when the input has ended */
  nextLine(prompt: string): Promise<string | undefined>
}

export type TalkCommand = {
  /** what stands behind the command's name */
  readonly takes?: string
  readonly help: string
  run(talk: Talk, rest: string): Promise<void> | void
}

export function here({ current }: Pick<Talk, 'current'>): RoomHandle {
  if (current) return current
  throw misused('You are in no room. /rooms lists them, /join ROOM goes into one.')
}

/** The room one is in under this name or URI; this room when nothing is named. */
export function roomNamed(talk: Talk, named: string): RoomHandle {
  if (named === '') return here(talk)
  const found = joinedRoom(talk, named)
  if (!found) throw misused(`You are not in a room called ${named}.`)
  return found
}

/** The room one is in under this name or URI, if any. */
export function joinedRoom({ rooms }: Pick<Talk, 'rooms'>, named: string): RoomHandle | undefined {
  const byUri = rooms.get(named)
  return (
    byUri ??
    onlyOne(
      named,
      [...rooms.values()].filter(({ name }) => name === named),
    )
  )
}

/** URI of a room that may be joined, by its name. */
export async function uriOf(client: PoolClient, wanted: string): Promise<string> {
  if (wanted.startsWith('ma-chan://')) return wanted
  const rooms = await client.rooms({ text: wanted, match: 'exact' })
  const room = onlyOne(
    wanted,
    rooms.filter(({ name }) => name === wanted),
  )
  if (room) return room.uri
  throw new RefusedError('no-such-room', `There is no room "${wanted}" that you may join. /rooms lists those you may.`)
}

/** Several rooms may have one name: then somebody must say which is meant. */
function onlyOne<R extends { readonly uri: string; readonly topic: string }>(
  named: string,
  rooms: readonly R[],
): R | undefined {
  if (rooms.length <= 1) return rooms[0]
  const shown = rooms.slice(0, SHOWN_MAX).map(({ uri, topic }) => `${uri}${topic === '' ? '' : ` (${visible(topic)})`}`)
  const more = rooms.length > SHOWN_MAX ? `, and ${rooms.length - SHOWN_MAX} more` : ''
  throw new RefusedError(
    'ambiguous-name',
    `Several rooms are called "${named}": ${shown.join(', ')}${more}. Name the room by its URI.`,
  )
}

const SHOWN_MAX = 10

/** In front of a line that comes from a room, when one is in several. */
export function where({ rooms }: Pick<Talk, 'rooms'>, room: string): string {
  return rooms.size > 1 ? `[${visible(room)}] ` : ''
}

type ShownChat = Pick<Chat, 'at' | 'from' | 'text' | 'title' | 'alert' | 'replaced'>

/** A chat on a line: an alert is marked, a story begins with its title. Lines after the first are indented. */
export function chatText({ at, from, text, title, alert, replaced }: ShownChat): string {
  const time = new Date(at)
  const clock = `${String(time.getHours()).padStart(2, '0')}:${String(time.getMinutes()).padStart(2, '0')}`
  const marks = [...(alert ? ['ALERT '] : []), ...(title === undefined ? [] : [`[${title}] `])].join('')
  const lines = `${marks}${text}${replaced ? ' (replaced)' : ''}`.split(/\r?\n/).map(visible)
  const action = /^\/me (.*)$/s.exec(lines[0]!)
  const name = visible(from.name)
  const first = action ? `${clock}  * ${name} ${action[1]}` : `${clock} <${name}> ${lines[0]}`
  return [first, ...lines.slice(1).map((line) => `${' '.repeat(6)}${line}`)].join('\n')
}

/** The argument of a command that needs one. */
export function required(rest: string, usage: string): string {
  if (rest === '') throw misused(`It takes more: ${usage}`)
  return rest
}

/** The first word and what is left. */
export function firstWord(rest: string): readonly [string, string] {
  const [, word = '', left = ''] = /^(\S*)\s*(.*)$/s.exec(rest) ?? []
  return [word, left]
}

export function wholeNumber(text: string, usage: string): number {
  const number = Number(text)
  if (text === '' || !Number.isInteger(number) || number < 1) throw misused(`"${text}" is no number: ${usage}`)
  return number
}
