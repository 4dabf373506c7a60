import { visible } from '../cli/table.ts'
import { ATTENTION_COMMANDS } from './attention-commands.ts'
import { CHAT_COMMANDS } from './chat-commands.ts'
import { FILE_COMMANDS } from './file-commands.ts'
import { ROOM_COMMANDS } from './room-commands.ts'
import type { TalkCommand } from './talk.ts'

/** What a line typed in `hansard chat` asks for. */
export type TalkLine =
  | { readonly kind: 'nothing' | 'quit' | 'help' }
  | { readonly kind: 'say'; readonly text: string }
  | { readonly kind: 'command'; readonly command: TalkCommand; readonly rest: string }
  | { readonly kind: 'unknown'; readonly command: string }

export const COMMANDS: ReadonlyMap<string, TalkCommand> = new Map<string, TalkCommand>(
  [ROOM_COMMANDS, CHAT_COMMANDS, ATTENTION_COMMANDS, FILE_COMMANDS].flatMap((family) => Object.entries(family)),
)

/** Every command, as `/help` shows it. */
export const TALK_HELP = [
  ...[...COMMANDS].map(
    ([name, { takes, help }]) => [`/${name}${takes === undefined ? '' : ` ${takes}`}`, help] as const,
  ),
  ['/me TEXT', 'an action'] as const,
  ['//TEXT', 'a chat that begins with a slash'] as const,
  ['/quit', 'go out of all rooms and end'] as const,
]
  .map(([typed, help]) => `${typed.padEnd(22)} ${help}`)
  .join('\n')

/** `commands`: whether a line may be one. Of an input that other people's words come through, every line is text. */
export function readTalkLine(line: string, { commands }: { readonly commands: boolean }): TalkLine {
  if (line.trim() === '') return { kind: 'nothing' }
  if (!commands) return { kind: 'say', text: line }
  if (line.startsWith('//')) return { kind: 'say', text: line.slice(1) }
  if (!line.startsWith('/') || /^\/me\s/.test(line)) return { kind: 'say', text: line }
  const [, name = '', rest = ''] = /^\/(\S*)\s*(.*)$/s.exec(line.trimEnd()) ?? []
  if (name === 'quit' || name === 'help') return { kind: name }
  const command = COMMANDS.get(name)
  return command ? { kind: 'command', command, rest } : { kind: 'unknown', command: `/${visible(name)}` }
}
