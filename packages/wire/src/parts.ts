/**
 * The parts of a chat's text, so that every client shows the same. Concatenated, their texts are the chat's text.
 *
 * A link leads out (`hyperlink`: http or https), to a room (`ma-chan:`) or to a file (`ma-filelink:`). Following one
 * gives no right: the pool decides as if its address had been typed.
 */
type TextPart =
  | { readonly kind: 'text' | 'hyperlink' | 'room-link' | 'file-link'; readonly text: string }
  | { readonly kind: 'emoticon'; readonly text: string; readonly emoticon: Emoticon }

/** The original's eleven, and how they are typed. */
export const EMOTICONS = {
  smile: [':)', ':-)'],
  frown: [':(', ':-('],
  cool: ['8-)'],
  laughing: [':-D', ':D'],
  shocked: [':-O', ':O'],
  confused: [':-/', ':/'],
  crying: [":'(", ":'-("],
  tongue: [':-P', ':P'],
  wink: [';)', ';-)'],
  angry: [':@', ':-@'],
  embarrassed: [':$', ':-$'],
} as const satisfies Readonly<Record<string, readonly string[]>>
type Emoticon = keyof typeof EMOTICONS

/** Splits a chat's text into its parts, none of them empty. */
export function textParts(text: string): TextPart[] {
  const parts: TextPart[] = []
  let shown = 0
  const put = (from: number, part: TextPart) => {
    if (from > shown) parts.push({ kind: 'text', text: text.slice(shown, from) })
    parts.push(part)
    shown = from + part.text.length
  }
  for (const match of text.matchAll(CANDIDATE)) {
    const { index } = match
    const { file, room, link, face } = match.groups as { [name: string]: string | undefined }
    if (file) put(index, { kind: 'file-link', text: file })
    else if (room) put(index, { kind: 'room-link', text: room })
    else if (link) {
      const address = withoutPunctuation(link)
      if (URL.canParse(address)) put(index, { kind: 'hyperlink', text: address })
    } else if (face) put(index, { kind: 'emoticon', text: face, emoticon: BY_TEXT.get(face)! })
  }
  if (shown < text.length) parts.push({ kind: 'text', text: text.slice(shown) })
  return parts
}

const BY_TEXT = new Map(
  Object.entries(EMOTICONS).flatMap(([name, typed]) =>
    typed.map((text) => [text as string, name as Emoticon] as const),
  ),
)
const FACES = [...BY_TEXT.keys()].map((face) => face.replace(/[()$/]/g, '\\$&')).join('|')
const ADDRESS = '[a-z0-9.-]+/[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}(?![0-9a-f-])'
// A face stands between spaces or before the end of a sentence, so that a time such as 8:00 or a path contains none.
const CANDIDATE = new RegExp(
  `(?<file>ma-filelink://${ADDRESS})|(?<room>ma-chan://${ADDRESS})|` +
    `(?<![a-z0-9])(?<link>https?://[^\\s<>"\\p{Cc}]+)|(?<=^|\\s)(?<face>${FACES})(?=$|[\\s.,!?])`,
  'gu',
)

/** Punctuation that ends the sentence is not part of the address; a closing bracket is when it was opened in it. */
function withoutPunctuation(link: string): string {
  const count = new Map<string, number>([...'()[]'].map((bracket) => [bracket, 0]))
  for (const character of link) if (count.has(character)) count.set(character, count.get(character)! + 1)
  let end = link.length
  for (; end > 0; end -= 1) {
    const last = link[end - 1]!
    const opening = last === ')' ? '(' : last === ']' ? '[' : undefined
    if (!opening && !".,;:!?'".includes(last)) break
    if (!opening) continue
    if (count.get(opening)! >= count.get(last)!) break
    count.set(last, count.get(last)! - 1)
  }
  return link.slice(0, end)
}
