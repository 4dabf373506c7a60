export { type ChatQuery, chatQuery, matches, QueryRefused, type WordMatch } from './query.ts'
export { exactWordsOf, fold, wordsOf } from './words.ts'
