import { type Chat, type PoolClient, RefusedError, type RoomHandle } from '@hansard/client'
import { misused } from '../cli/command-failure.ts'
import { type Paint, styleOf } from '../cli/paint.ts'
import { visible } from '../cli/table.ts'

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
  readonly paint: Paint
  /** names seen in each room, by its URI: what Tab completes */
  readonly seen: Map<string, Set<string>>
  /** the next line as it is typed; undefined when the input has ended */
  nextLine(prompt: string): Promise<string | undefined>
}

export type TalkCommand = {
  /** what stands behind the command's name */
  readonly takes?: string
  /** what Tab completes behind it: names of rooms one may join, or of those one is in */
  readonly names?: 'rooms' | 'rooms-here'
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

type ShownChat = Pick<Chat, 'at' | 'from' | 'text' | 'title' | 'alert' | 'replaced' | 'imported'>

/** A chat on a line: an alert is marked, a story begins with its title. Lines after the first are indented. */
export function chatText(
  { at, from, text, title, alert, replaced, imported }: ShownChat,
  paint: Paint,
  now: number,
): string {
  const time = paint('dim', localTime(at, now))
  const marks = [
    ...(imported ? [paint('bold', `[imported by ${visible(imported.by)}] `)] : []),
    ...(alert ? [paint(['bold', 'red'], 'ALERT ')] : []),
    ...(title === undefined ? [] : [paint('bold', `[${visible(title)}] `)]),
  ].join('')
  const lines = `${text}${replaced ? ' (replaced)' : ''}`.split(/\r?\n/).map(visible)
  const action = title === undefined && !alert && !imported ? /^\/me (.*)$/s.exec(lines[0]!) : null
  const name = paint(styleOf(from.name), visible(from.name))
  const first = action ? `${time}  * ${name} ${action[1]}` : `${time} <${name}> ${marks}${lines[0]}`
  return [first, ...lines.slice(1).map((line) => `${' '.repeat(6)}${line}`)].join('\n')
}

/** `14:03+01`, this computer's time and how far it is from UTC; `14:03Z` in UTC. The date too, when it is not today's. */
export function localTime(at: number, now: number): string {
  const time = new Date(at)
  const two = (value: number) => String(value).padStart(2, '0')
  // Minutes that local time is behind UTC.
  const behind = time.getTimezoneOffset()
  const [hours, minutes] = [Math.trunc(Math.abs(behind) / 60), Math.abs(behind) % 60]
  const zone = behind === 0 ? 'Z' : `${behind > 0 ? '-' : '+'}${two(hours)}${minutes === 0 ? '' : `:${two(minutes)}`}`
  const day = (date: Date) => `${date.getFullYear()}-${two(date.getMonth() + 1)}-${two(date.getDate())}`
  const date = day(time) === day(new Date(now)) ? '' : `${day(time)} `
  return `${date}${two(time.getHours())}:${two(time.getMinutes())}${zone}`
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
