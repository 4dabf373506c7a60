export {
  type ChatState,
  listOf,
  openPoolStateBuilder,
  type ParticipantState,
  type PoolState,
  type PoolStateBuilder,
  type PoolStateOptions,
  poolStateFrom,
  type SubjectType,
  subjectsOf,
} from './pool-state.ts'
export type { Properties, SubjectState } from './subject-state.ts'
