export { type ChatQuery, chatQuery, matcherOf, matches, QueryRefused, type WordMatch } from './query.ts'
export { exactWordsOf, wordsOf } from './words.ts'
