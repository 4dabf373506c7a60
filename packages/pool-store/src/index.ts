export { holdAdmission, shareAdmission } from './access/admission.ts'
export { identitiesOf, identitiesOfMany, principalsWithin } from './access/identities.ts'
export { invitationsOf } from './access/invitations.ts'
export { type PolicyPlace, policyEnables } from './access/policies.ts'
export {
  createPrincipals,
  endAllSessions,
  findPrincipal,
  findPrincipals,
  type NewPrincipal,
  type Principal,
  principalIds,
  principalIdsByUri,
  putSecret,
} from './access/principals.ts'
export {
  administers,
  decideFor,
  loadRoles,
  loadRoomAccess,
  loadScope,
  NO_ID,
  type RoomAccess,
  type RoomKey,
  standInCategory,
  standInRoom,
  standingIn,
  standingsIn,
} from './access/room-access.ts'
export { roomsOfBarred, roomsUnderPolicy } from './access/rooms-of-barred.ts'
export { EXPIRED_AT_ONCE, recordExpiredSessions } from './access/sessions.ts'
export { createSignIn, type SignIn, sessionsEndedSince, signInRefusal } from './access/sign-in.ts'
export { poolItself } from './access/sign-in-events.ts'
export { createSignInRecord, forgetSignIns, listSignIns } from './access/sign-in-record.ts'
export { openTokenKeys, type TokenKeys } from './access/token-keys.ts'
export { claimFileStores } from './files/claim-file-stores.ts'
export {
  type FileToken,
  findFileToken,
  forgetFileTokens,
  GIVEN_NAME_MAX,
  type IssuedFileToken,
  issueFileToken,
  markTokenUsed,
} from './files/file-tokens.ts'
export {
  endedFiles,
  endUpload,
  expiredFiles,
  expireUploads,
  fileCounts,
  findFile,
  markBytesRemoved,
  type PoolFile,
} from './files/files.ts'
export { creatableCategories } from './lists/creatable-categories.ts'
export { eligiblePrincipals } from './lists/eligible-principals.ts'
export { enabledOf } from './lists/enabled-users.ts'
export { type CategoryRow, categoryLists, listCategories } from './lists/list-categories.ts'
export { type GroupRow, listGroups, membersOf, namedPrincipals } from './lists/list-groups.ts'
export { listRooms, type RoomAsker, type RoomFilter, roomCursor, roomNameTaken } from './lists/list-rooms.ts'
export { findPolicy, listEndpoints, listPolicies, listPoolConfigurations } from './lists/list-settings.ts'
export { findUser, groupsHolding, listUsers, type UserRow } from './lists/list-users.ts'
export { asSeenBy, type ReadableRoom, readableRooms } from './lists/readable-rooms.ts'
export { type NamedRoom, roomsNamed } from './lists/rooms-named.ts'
export { usageOf } from './lists/usage.ts'
export { POOL_MIGRATIONS } from './migrations/migrations.ts'
export { logClock, requireRightClock } from './record/clock-guard.ts'
export type { Actor, ChangeEvent, Made } from './record/commit-change.ts'
export { forgetDepartures, UNLOGGED_HELD_MS } from './record/departures.ts'
export type { Fact, Outcome } from './record/facts.ts'
export { findRepeatedPost } from './record/find-repeated-post.ts'
export { newestStamp } from './record/newest-stamp.ts'
export { deleteFromOutbox, outboxHead, outboxStamps, readOutbox } from './record/outbox.ts'
export { noteStagedThrough, outboxDepth } from './record/outbox-depth.ts'
export {
  ClockOff,
  RecordBusy,
  type RecordError,
  RecordStopped,
  RecordUnavailable,
  SourceFenced,
} from './record/record-errors.ts'
export { createRecordWriter, type RecordWriter } from './record/record-writer.ts'
export {
  aliveReports,
  aliveSources,
  CONFIRMED_ALIVE_MS,
  channelServices,
  declareDead,
  fileServices,
  finishSource,
  type LastReport,
  lastReports,
  readSourceProgress,
  requireAlive,
  SILENT_BEFORE_DEAD_MS,
  type Source,
  type SourceReportSeen,
  sourceStates,
  startSource,
  stopSource,
} from './record/sources.ts'
export { unrecordedParticipants } from './record/unrecorded-participants.ts'
export { addInOf, listAddIns } from './rooms/add-ins.ts'
export { type ChatRange, chatsInRanges, rangePortions } from './rooms/chat-ranges.ts'
export {
  blankUnlogged,
  type Chat,
  type ChatRow,
  chatOf,
  chatsAfter,
  chatsEdited,
  EDITED_AT_ONCE,
  historyOf,
} from './rooms/chats.ts'
export {
  deleteFeed,
  FEEDS_MAX,
  type Feed,
  type FeedFilter,
  feedProblem,
  feedsOf,
  feedWords,
  findFeed,
  putFeed,
  readFeed,
} from './rooms/feeds.ts'
export { FOLLOWED_ROOMS_MAX, followedRooms, followRoom, unfollowRoom } from './rooms/followed-rooms.ts'
export {
  allParticipants,
  beginStays,
  orphanedParticipants,
  participantCount,
  participantCounts,
} from './rooms/participants.ts'
export {
  findPreference,
  PREFERENCE_BYTES_MAX,
  PREFERENCE_CHARACTERS_MAX,
  PREFERENCE_LABELS_MAX,
  putPreference,
} from './rooms/preferences.ts'
export { putReadMark } from './rooms/read-marks.ts'
export { findRoom, type Room, roomCounters, rosterOf } from './rooms/rooms.ts'
export {
  configurationIdentityProblem,
  POOL_CONFIGURATION_RANGES,
  type PoolConfiguration,
  poolConfiguration,
  settingProblem,
} from './settings/pool-configuration.ts'
export {
  findPoolRoom,
  lockPoolChanges,
  poolSettings,
  readActiveServers,
  readPoolState,
  type StoredPoolSettings,
} from './settings/settings.ts'
