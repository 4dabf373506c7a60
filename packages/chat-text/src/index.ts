export { type ChatQuery, chatQuery, matcherOf, matches, QueryRefused, type WordMatch } from './query.ts'
export { exactWordsOf, foldCase, wordsOf } from './words.ts'
