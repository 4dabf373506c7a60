import { visible } from '../cli/table.ts'
import type { Talk } from './talk.ts'
import { COMMANDS } from './talk-line.ts'

/** Commands that are no entry of `COMMANDS`. */
const OTHERS = ['help', 'me', 'quit']

/**
 * What Tab may put in the place of the end of a line: a command, a room behind a command that takes one, or somebody's
 * name. Answers whole words and the end of the line that they would replace.
 */
export async function completeLine(
  line: string,
  { current, rooms, seen }: Pick<Talk, 'current' | 'rooms' | 'seen'>,
  joinable: () => Promise<readonly string[]>,
): Promise<readonly [readonly string[], string]> {
  const command = /^\/(\S*)(?:(\s+)(.*))?$/s.exec(line)
  if (command && command[2] === undefined)
    return fitting(
      [...COMMANDS.keys(), ...OTHERS].map((name) => `/${name} `),
      line,
    )
  const names = COMMANDS.get(command?.[1] ?? '')?.names
  if (command && names !== undefined) {
    const known = names === 'rooms' ? await joinable() : [...rooms.values()].map(({ name }) => name)
    return fitting(known, command[3] ?? '')
  }
  const word = /\S*$/.exec(line)![0]
  if (word === '' || !current) return [[], line]
  // Somebody is addressed at the beginning of a chat.
  const after = word.length === line.length ? ': ' : ' '
  return fitting(
    [...(seen.get(current.uri) ?? [])].map((name) => `${name}${after}`),
    word,
  )
}

function fitting(all: readonly string[], begun: string): readonly [readonly string[], string] {
  const start = begun.toLowerCase()
  // Names are text from other people, and the terminal shows what it completes.
  return [
    all
      .map(visible)
      .filter((one) => one.toLowerCase().startsWith(start))
      .sort(),
    begun,
  ]
}
