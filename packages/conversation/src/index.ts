export {
  eventWeight,
  foldConversations,
  type RoomSlice,
  type RosterEntry,
  type Rosters,
  type SliceRoom,
} from './fold.ts'
export {
  alignDown,
  type Interval,
  nextBoundary,
  parseRunInterval,
  RUN_INTERVAL_MAX_MS,
  RUN_INTERVAL_MIN_MS,
} from './interval.ts'
