export { type AddIn, addInOf, listAddIns } from './add-ins.ts'
export { holdAdmission } from './admission.ts'
export { blankUnlogged, type Chat, chatsAfter, chatsEdited, EDITED_AT_ONCE, historyOf } from './chats.ts'
export { claimFileStores } from './claim-file-stores.ts'
export type { Actor, ChangeEvent, ChangeWork, Made } from './commit-change.ts'
export { creatableCategories } from './creatable-categories.ts'
export { forgetDepartures, UNLOGGED_HELD_MS } from './departures.ts'
export { eligiblePrincipals } from './eligible-principals.ts'
export { enabledOf } from './enabled-users.ts'
export type { Fact, Outcome } from './facts.ts'
export {
  deleteFeed,
  FEEDS_MAX,
  type Feed,
  type FeedFilter,
  feedProblem,
  feedsOf,
  findFeed,
  putFeed,
  readFeed,
} from './feeds.ts'
export {
  type FileToken,
  findFileToken,
  forgetFileTokens,
  type IssuedFileToken,
  issueFileToken,
  markTokenUsed,
} from './file-tokens.ts'
export {
  endedFiles,
  endUpload,
  expiredFiles,
  expireUploads,
  fileCounts,
  findFile,
  markBytesRemoved,
  type PoolFile,
} from './files.ts'
export {
  FOLLOWED_ROOMS_MAX,
  type FollowedRoom,
  followedRooms,
  followRoom,
  unfollowRoom,
} from './followed-rooms.ts'
export { identitiesOf, identitiesOfMany, principalsWithin } from './identities.ts'
export { type Invitation, invitationsOf } from './invitations.ts'
export { type Lease, releaseLease, takeLease } from './leases.ts'
export { type CategoryRow, categoryLists, listCategories } from './list-categories.ts'
export { type GroupRow, listGroups, membersOf, namedPrincipals } from './list-groups.ts'
export { listRooms, type RoomAsker, type RoomFilter, type RoomTextFilter } from './list-rooms.ts'
export { findPolicy, listEndpoints, listPolicies, listPoolConfigurations } from './list-settings.ts'
export { findUser, groupsHolding, listUsers, type UserFilter, type UserRow } from './list-users.ts'
export { POOL_MIGRATIONS } from './migrations.ts'
export { deleteFromOutbox, outboxDepth, readOutbox } from './outbox.ts'
export {
  allParticipants,
  beginStays,
  orphanedParticipants,
  participantCount,
  participantCounts,
} from './participants.ts'
export { type PolicyPlace, policyEnables } from './policies.ts'
export {
  configurationIdentityProblem,
  POOL_CONFIGURATION_RANGES,
  type PoolConfiguration,
  poolConfiguration,
  settingProblem,
} from './pool-configuration.ts'
export {
  findPreference,
  PREFERENCE_BYTES_MAX,
  PREFERENCE_CHARACTERS_MAX,
  PREFERENCE_LABELS_MAX,
  type Preference,
  type PutPreference,
  putPreference,
} from './preferences.ts'
export {
  createPrincipals,
  findPrincipal,
  findPrincipals,
  type NewPrincipal,
  type Principal,
  principalIds,
  principalIdsByUri,
  putSecret,
} from './principals.ts'
export { putReadMark } from './read-marks.ts'
export { asSeenBy, type ReadableRoom, readableRooms } from './readable-rooms.ts'
export {
  createRecordWriter,
  RecordBusy,
  type RecordError,
  RecordStopped,
  RecordUnavailable,
  type RecordWriter,
  SourceFenced,
} from './record-writer.ts'
export {
  administers,
  decideFor,
  loadRoles,
  loadRoomAccess,
  loadScope,
  type RoomAccess,
  type RoomKey,
  standInCategory,
  standInRoom,
  standingIn,
  standingsIn,
} from './room-access.ts'
export { findRoom, type Room, roomCounters, rosterOf } from './rooms.ts'
export { roomsOfBarred, roomsUnderPolicy } from './rooms-of-barred.ts'
export { reindexChats } from './search-again.ts'
export { type ChatSearch, type ChatsFound, type FoundChat, searchChats } from './search-chats.ts'
export { searchFeed } from './search-feed.ts'
export { indexChats } from './search-index.ts'
export { searchCursor } from './search-order.ts'
export { indexPauseMs } from './search-pace.ts'
export { SearchRefused } from './search-refused.ts'
export {
  findPoolRoom,
  lockPoolChanges,
  type PoolSettings,
  poolSettings,
  readActiveServers,
  readPoolState,
} from './settings.ts'
export { createSignIn, type SignIn, type SignInResult } from './sign-in.ts'
export {
  aliveSources,
  channelServices,
  declareDead,
  requireAlive,
  SILENT_BEFORE_DEAD_MS,
  type Source,
  STANDING_MS,
  settleSource,
  silentSources,
  sourceStates,
  startSource,
  stopSource,
  takeRollCall,
} from './sources.ts'
export { usageOf } from './usage.ts'
