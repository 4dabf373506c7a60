/**
 * The words of a text, case-folded for comparison: in order, with repeats.
 *
 * A word is a run of letters, marks and digits. Scripts written without spaces give a word per character, so that any
 * part of a run is found as a phrase; so does every pictograph. Everything else parts words and is not searched.
 */
export function wordsOf(text: string): string[] {
  // Most chats are plain ASCII, which needs no normalisation, and lower case is their case folding.
  if (ASCII.test(text)) return text.toLowerCase().match(ASCII_WORDS) ?? []
  return exactWordsOf(text).map(foldCase)
}

/** The words as they were written, but for compatible forms (ﬁ is fi, full width is half width). */
export function exactWordsOf(text: string): string[] {
  if (ASCII.test(text)) return text.match(ASCII_WORDS) ?? []
  return text.normalize('NFKC').match(WORDS) ?? []
}

/** One word without its case. Through upper case, so that ß is ss and both lower-case sigmas are one. */
export function foldCase(word: string): string {
  return ASCII.test(word) ? word.toLowerCase() : word.toUpperCase().toLowerCase().replaceAll('ς', 'σ')
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: all of ASCII is meant.
const ASCII = /^[\x00-\x7f]*$/
const ASCII_WORDS = /[a-z0-9]+/gi
const UNSPACED =
  '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}\\p{sc=Bopomofo}'
const WORDS = new RegExp(
  `[[${UNSPACED}]&&[\\p{L}\\p{N}]]\\p{M}*|[\\p{ExtPict}--[\\p{N}]]|[[\\p{L}\\p{N}\\p{M}]--[${UNSPACED}]]+`,
  'gv',
)
