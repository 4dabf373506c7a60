import { Transform } from 'node:stream'
import { StringDecoder } from 'node:string_decoder'
import type { Io } from '../cli/io.ts'

const PASTE_BEGINS = '\u001b[200~'
const PASTE_ENDS = '\u001b[201~'
/** Asks a terminal to mark what is pasted, and to stop doing so. */
export const MARK_PASTES = '\u001b[?2004h'
export const MARK_NO_PASTES = '\u001b[?2004l'

/**
 * Characters that readline takes for the end of a line or for a key, and noncharacters of Unicode that stand for them
 * while a line is edited.
 */
const STAND_INS: Readonly<Record<string, string>> = {
  '\u2028': '\ufdd0',
  '\u2029': '\ufdd1',
  '\n': '\ufdd2',
  '\t': '\ufdd3',
}
const MEANT = Object.fromEntries(Object.entries(STAND_INS).map(([character, standIn]) => [standIn, character]))

/** A line as it was typed or pasted. */
export function meantBy(line: string): string {
  return line.replace(/[\ufdd0-\ufdd3]/g, (standIn) => MEANT[standIn]!)
}

/** A line as readline can edit it. */
export function editable(line: string): string {
  return line.replace(/[\u2028\u2029\n\t]/g, (character) => STAND_INS[character]!)
}

/**
 * What is typed, for readline to edit. Only the Enter key ends a line: a pasted text is one line whatever it holds, so
 * words that somebody else wrote are never taken for commands.
 */
export function terminalInput(stdin: Io['stdin']): Io['stdin'] {
  const decoder = new StringDecoder('utf8')
  let pasting = false
  let begun = ''
  const input = new Transform({
    decodeStrings: false,
    encoding: 'utf8',
    transform(piece: Buffer | string, _encoding, done) {
      let text = begun + (typeof piece === 'string' ? piece : decoder.write(piece))
      // A mark may arrive in two pieces. A lone ESC is a key, and is not waited upon.
      const rest = beginningOfMark(text)
      begun = rest
      text = text.slice(0, text.length - rest.length)
      let out = ''
      while (text !== '') {
        const mark = pasting ? PASTE_ENDS : PASTE_BEGINS
        const at = text.indexOf(mark)
        const part = at < 0 ? text : text.slice(0, at)
        out += pasting ? pasted(part) : part.replace(/[\u2028\u2029]/g, editable)
        text = at < 0 ? '' : text.slice(at + mark.length)
        if (at >= 0) pasting = !pasting
      }
      done(null, out)
    },
  })
  stdin.pipe(input)
  return Object.assign(input, {
    isTTY: true,
    setRawMode: (raw: boolean) => stdin.setRawMode?.(raw),
  })
}

function pasted(text: string): string {
  return editable(text.replace(/\r\n?/g, '\n')).replace(/\p{Cc}/gu, '')
}

function beginningOfMark(text: string): string {
  for (let length = PASTE_BEGINS.length - 1; length >= 2; length -= 1) {
    const end = text.slice(-length)
    if (end.length === length && (PASTE_BEGINS.startsWith(end) || PASTE_ENDS.startsWith(end))) return end
  }
  return ''
}
