import { styleText } from 'node:util'
import type { Io } from './io.ts'

type Style = Parameters<typeof styleText>[0]
/** Colours a text that is safe to show already, where colours are wanted. */
export type Paint = (style: Style, text: string) => string

/** No colours into a file or a pipe, for a terminal that has none, or for somebody who sets NO_COLOR (no-color.org). */
export function paintFor({ stdout, env }: Pick<Io, 'stdout' | 'env'>): Paint {
  const wanted = stdout.isTTY === true && env.optional('TERM') !== 'dumb' && env.optional('NO_COLOR') === undefined
  return wanted ? (style, text) => styleText(style, text, { validateStream: false }) : (_, text) => text
}

const NAME_STYLES: readonly Style[] = ['cyan', 'green', 'yellow', 'magenta', 'blue', 'cyanBright', 'greenBright']

/** Somebody has the same colour wherever they speak. */
export function styleOf(name: string): Style {
  let sum = 0
  for (const character of name) sum = (31 * sum + character.codePointAt(0)!) >>> 0
  return NAME_STYLES[sum % NAME_STYLES.length]!
}
