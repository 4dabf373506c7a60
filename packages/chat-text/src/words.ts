/**
 * The words of a text, case-folded for comparison: in order, with repetitions.
 *
 * A word is a run of letters, marks and digits. Scripts written without spaces give one word per character, so that
 * any part of a run can be found as a phrase; so does every pictograph. Invisible characters are removed: they neither
 * separate words nor change them. All other characters separate words and cannot be searched for.
 *
 * The search index stores hashes of these words: raise `WORDS_VERSION` whenever the result changes.
 */
export function wordsOf(text: string): string[] {
  // Most chats are plain ASCII, which needs no normalisation, and whose case folding is lower case.
  if (PLAIN.test(text)) return text.toLowerCase().match(ASCII_WORDS) ?? []
  return exactWordsOf(text).map(foldCase)
}

/** The version of the rules for words. 2: invisible characters removed, full case folding, look-alikes. */
export const WORDS_VERSION = 2

/**
 * The words as written, except for invisible characters and compatibility forms (ﬁ is fi, full width is half width).
 */
export function exactWordsOf(text: string): string[] {
  if (PLAIN.test(text)) return text.match(ASCII_WORDS) ?? []
  // Invisible characters go first: one between a letter and its accent would keep them apart.
  return text.replace(INVISIBLE, '').normalize('NFKC').match(WORDS) ?? []
}

/**
 * Folds the case of one word: Unicode's full case folding, with one exception. İ, I, i and ı are equal, because which
 * of them are the same letter depends on the language, which is unknown.
 */
export function foldCase(word: string): string {
  if (PLAIN.test(word)) return word.toLowerCase()
  // Lower, upper, lower: so that ẞ, ß and SS are ss, and both lower-case sigmas are one.
  const folded = word.toLowerCase().toUpperCase().toLowerCase().replaceAll('ς', 'σ').replaceAll('i\u0307', 'i')
  return folded.normalize('NFC')
}

/** Visible ASCII and white space. */
const PLAIN = /^[\t-\r\x20-\x7e]*$/
const ASCII_WORDS = /[a-z0-9]+/gi

/**
 * Invisible characters: Unicode's Default_Ignorable_Code_Point (soft hyphen, zero-width space and joiners, word joiner,
 * writing directions, variation selectors, tags, fillers), the marks of interlinear annotation, and controls other than
 * white space.
 */
const INVISIBLE = /[\p{DI}\ufff9-\ufffb]|[[\p{Cc}]--[\t-\r\x85]]/gv
const UNSPACED =
  '\\p{sc=Han}\\p{sc=Hiragana}\\p{sc=Katakana}\\p{sc=Thai}\\p{sc=Lao}\\p{sc=Khmer}\\p{sc=Myanmar}\\p{sc=Bopomofo}'
const WORDS = new RegExp(
  `[[${UNSPACED}]&&[\\p{L}\\p{N}]]\\p{M}*|[\\p{ExtPict}--[\\p{N}]]|[[\\p{L}\\p{N}\\p{M}]--[${UNSPACED}]]+`,
  'gv',
)
