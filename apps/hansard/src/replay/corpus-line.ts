import { accountNameProblem } from '@hansard/rooms'

/**
 * Reads one line of an IRC log in the format of the #ubuntu corpus.
 *
 *     [12:18] <nick> text                           a chat
 *     [12:18]  * nick text                          an action, which is the chat "/me text"
 *     === nick [host]  has joined #ubuntu           a join
 *     === nick [host]  has left #ubuntu ["reason"]  a part
 *     === nick is now known as other                a rename
 *     === mode/#ubuntu …, === anything else         channel administration and notices
 *
 * Real logs hold lines that are none of these. They are never an error: every line comes out as something, and what
 * is not talk is counted by kind, so that the numbers add up to the lines of the file.
 *
 * The collector of these logs wrote a space after every `]`, also in nicknames: `<bur[n] er>`, `<[GuS] >`. The space
 * inside is kept, since the file has it; the one at an end is not part of any name.
 */
type CorpusLine =
  | { readonly kind: 'chat'; readonly minute: number; readonly nick: string; readonly text: string }
  | { readonly kind: 'join'; readonly nick: string }
  | { readonly kind: 'part'; readonly nick: string }
  | { readonly kind: 'rename'; readonly nick: string; readonly to: string }
  | { readonly kind: 'skipped'; readonly as: LineSkipped }

/** Why a line is not talk. `mode` and `notice`: see above. `unnameable`: a nickname that cannot be an account. */
export type LineSkipped = 'mode' | 'notice' | 'empty-chat' | 'unnameable' | 'blank' | 'stray'

// A nickname holds no space, except the one after a `]` (see above).
const NICK = String.raw`(\S+(?:(?<=\]) \S+)*)`
const TIME = String.raw`^\[([01]\d|2[0-3]):([0-5]\d)\]`
const CHAT = new RegExp(`${TIME} <([^>]*)>(?: (.*))?$`, 's')
const ACTION = new RegExp(String.raw`${TIME}  \* (\S+)(?: (.*))?$`, 's')
// A host holds no brackets, so the last bracketed word before the verb is the host, whatever the nickname holds.
const COMING = new RegExp(String.raw`^=== ${NICK} +\[[^[\]]*\] +has (joined|left) #\S+`)
const RENAME = new RegExp(`^=== ${NICK} +is now known as ${NICK} *$`)

export function readCorpusLine(line: string): CorpusLine {
  return line.startsWith('[') ? talk(line) : notice(line)
}

function talk(line: string): CorpusLine {
  const chat = CHAT.exec(line)
  if (chat) {
    const [, hours, minutes, nick, text = ''] = chat
    return text === '' ? skipped('empty-chat') : named(nick!, (name) => chatOf(hours!, minutes!, name, text))
  }
  const action = ACTION.exec(line)
  if (action) {
    const [, hours, minutes, nick, text = ''] = action
    return named(nick!, (name) => chatOf(hours!, minutes!, name, `/me ${text}`))
  }
  return skipped('stray')
}

function notice(line: string): CorpusLine {
  if (line.trim() === '') return skipped('blank')
  if (!line.startsWith('===')) return skipped('stray')
  if (line.startsWith('=== mode/')) return skipped('mode')
  const coming = COMING.exec(line)
  if (coming) return named(coming[1]!, (nick) => ({ kind: coming[2] === 'joined' ? 'join' : 'part', nick }))
  const rename = RENAME.exec(line)
  if (rename) return named(rename[1]!, (nick) => named(rename[2]!, (to) => ({ kind: 'rename', nick, to })))
  return skipped('notice')
}

function chatOf(hours: string, minutes: string, nick: string, text: string): CorpusLine {
  return { kind: 'chat', minute: 60 * Number(hours) + Number(minutes), nick, text }
}

function named(nick: string, make: (nick: string) => CorpusLine): CorpusLine {
  const name = nick.trim()
  return accountNameProblem(name) === undefined ? make(name) : skipped('unnameable')
}

function skipped(as: LineSkipped): CorpusLine {
  return { kind: 'skipped', as }
}
