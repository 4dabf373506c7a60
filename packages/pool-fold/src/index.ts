export {
  type FoldedChat,
  type FoldedParticipant,
  type FoldedSubject,
  type FoldOptions,
  foldPool,
  listOf,
  openPoolFold,
  type PoolFold,
  type PoolState,
  type Properties,
  type SubjectType,
  subjectsOf,
} from './fold-pool.ts'
