export {
  listOf,
  openPoolStateBuilder,
  type PoolState,
  poolStateFrom,
  type SubjectType,
  subjectsOf,
} from './pool-state.ts'
export type { SubjectProperties, SubjectState } from './subject-state.ts'
