import { skeletonOf } from './look-alikes.ts'
import { follows } from './sequence.ts'
import { exactWordsOf, foldCase, wordsOf } from './words.ts'

/** `any`: one of the words suffices. `all`: each of them, in any order. `phrase`: adjacent, in order. */
export type WordMatch = 'any' | 'all' | 'phrase'

/** A parsed query, prepared for matching. */
export type ChatQuery = {
  readonly match: WordMatch
  readonly caseSensitive: boolean
  /** matches words that only look like those of the terms; the terms are skeletons */
  readonly lookAlikes: boolean
  /** sequences of words that must be adjacent: text typed without a space is one (`foo-bar`, `東京`) */
  readonly terms: readonly (readonly string[])[]
  /** per term its distinct case-folded words: a chat that matches the term has all of them */
  readonly indexed: readonly (readonly string[])[]
}

/**
 * Parses a query. Text without a single word is a query that matches nothing. `lookAlikes` implies that case is
 * ignored.
 */
export function chatQuery(asked: {
  words: string
  match: WordMatch
  caseSensitive: boolean
  lookAlikes?: boolean
}): ChatQuery {
  const { words, match, lookAlikes = false } = asked
  const caseSensitive = asked.caseSensitive && !lookAlikes
  if (words.length > QUERY_LENGTH_MAX) {
    throw new QueryRefused('query-too-long', `A search may have at most ${QUERY_LENGTH_MAX} characters.`)
  }
  const sequences = match === 'phrase' ? [exactWordsOf(words)] : words.split(SPACES).map(exactWordsOf)
  const terms = sequences
    .filter((sequence) => sequence.length > 0)
    .map((sequence) => (caseSensitive ? sequence : sequence.map(foldCase)))
    .map((sequence) => (lookAlikes ? sequence.map(skeletonOf) : sequence))
  if (terms.reduce((count, term) => count + term.length, 0) > QUERY_WORDS_MAX) {
    throw new QueryRefused('too-many-words', `A search may have at most ${QUERY_WORDS_MAX} words.`)
  }
  return { match, caseSensitive, lookAlikes, terms, indexed: terms.map((term) => [...new Set(term.map(foldCase))]) }
}

type ChatText = { readonly text: string; readonly title?: string | undefined }

/** Whether a chat matches. A phrase does not extend from the title into the text. */
export function matches(query: ChatQuery, chat: ChatText): boolean {
  return matcherOf(chat)(query)
}

/** The same for many queries and one chat, whose words are split only once. */
export function matcherOf(chat: ChatText): (query: ChatQuery) => boolean {
  const cut = (read: (text: string) => string[]) =>
    (chat.title === undefined ? [chat.text] : [chat.text, chat.title]).map((text) => partOf(read(text)))
  const read = { caseFolded: wordsOf, exact: exactWordsOf, skeletons: skeletonsOf }
  const parts: { [K in keyof typeof read]?: Part[] } = {}
  let asked = 0
  return (query) => {
    if (query.terms.length === 0) return false
    const how = query.lookAlikes ? 'skeletons' : query.caseSensitive ? 'exact' : 'caseFolded'
    parts[how] ??= cut(read[how])
    const compared = parts[how]
    asked += query.terms.length
    const found = (term: readonly string[]) =>
      compared.some((part) =>
        asked <= TERMS_FEW
          ? follows(part.words, term)
          : part.holds(term) && (term.length === 1 || follows(part.words, term)),
      )
    return query.match === 'any' ? query.terms.some(found) : query.terms.every(found)
  }
}

/** The words of a text as a query with `lookAlikes` compares them. */
export const skeletonsOf = (text: string): string[] => wordsOf(text).map(skeletonOf)

/** A set of the text's words, for many terms: a term with a word that the text lacks need not be searched for. */
type Part = { readonly words: readonly string[]; holds(term: readonly string[]): boolean }

function partOf(words: readonly string[]): Part {
  let set: Set<string> | undefined
  return {
    words,
    holds(term) {
      set ??= new Set(words)
      return term.every((word) => set!.has(word))
    },
  }
}

/** For fewer terms, building the set takes longer than searching. */
const TERMS_FEW = 4

export class QueryRefused extends Error {
  override name = 'QueryRefused'
  readonly code: 'query-too-long' | 'too-many-words'
  constructor(code: QueryRefused['code'], message: string) {
    super(message)
    this.code = code
  }
}

/** A byte order mark counts as white space in patterns, and is never seen. */
const SPACES = /[\s--\ufeff]+/v
const QUERY_LENGTH_MAX = 2_000
const QUERY_WORDS_MAX = 64
