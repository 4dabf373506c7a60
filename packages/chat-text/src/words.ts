/**
 * The words of a text, case-folded for comparison: in order, with repetitions.
 *
 * A word is a run of letters, marks and digits. Scripts written without spaces give one word per character, so that
 * any part of a run can be found as a phrase; so does every pictograph. All other characters separate words and
 * cannot be searched for.
 */
export function wordsOf(text: string): string[] {
  // Most chats are plain ASCII, which needs no normalisation, and whose case folding is lower case.
  if (ASCII.test(text)) return text.toLowerCase().match(ASCII_WORDS) ?? []
  return exactWordsOf(text).map(foldCase)
}

/** The words as written, except for compatibility forms (ﬁ is fi, full width is half width). */
export function exactWordsOf(text: string): string[] {
  if (ASCII.test(text)) return text.match(ASCII_WORDS) ?? []
  return text.normalize('NFKC').match(WORDS) ?? []
}

/** Folds the case of one word. Via upper case, so that ß is ss and both lower-case sigmas are equal. */
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
