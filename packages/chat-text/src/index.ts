export { skeletonOf } from './look-alikes.ts'
export { type ChatQuery, chatQuery, matcherOf, matches, QueryRefused, skeletonsOf, type WordMatch } from './query.ts'
export { exactWordsOf, WORDS_VERSION, wordsOf } from './words.ts'
