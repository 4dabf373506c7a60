export { type AddIn, addInOf, listAddIns } from './add-ins.ts'
export { holdAdmission } from './admission.ts'
export { blankUnlogged, type Chat, chatsAfter, historyOf } from './chats.ts'
export { claimFileStores } from './claim-file-stores.ts'
export type { Actor, ChangeEvent, ChangeWork, Made } from './commit-change.ts'
export { creatableCategories } from './creatable-categories.ts'
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
  DEFAULT_FILE_TOKEN_LIMITS,
  FILE_TOKEN_MS,
  type FileToken,
  type FileTokenKind,
  type FileTokenLimits,
  findFileToken,
  forgetFileTokens,
  type IssuedFileToken,
  type IssueFileToken,
  issueFileToken,
  markTokenUsed,
} from './file-tokens.ts'
export {
  endedFiles,
  endUpload,
  expiredFiles,
  expireUploads,
  type FileState,
  fileCounts,
  findFile,
  markBytesRemoved,
  type PoolFile,
} from './files.ts'
export {
  FOLLOWED_ROOMS_MAX,
  type FollowedRoom,
  followedRoomIds,
  followedRooms,
  followRoom,
  unfollowRoom,
} from './followed-rooms.ts'
export { identitiesOf, identitiesOfMany, principalsWithin } from './identities.ts'
export { type Invitation, invitationsOf, invitedRoomIds } from './invitations.ts'
export { type Lease, releaseLease, takeLease } from './leases.ts'
export { type CategoryRow, categoryLists, listCategories } from './list-categories.ts'
export { type GroupRow, listGroups, membersOf, type NamedPrincipal, namedPrincipals } from './list-groups.ts'
export { findPolicy, listEndpoints, listPolicies, listPoolConfigurations } from './list-settings.ts'
export { findUser, groupsHolding, listUsers, type UserFilter, type UserRow } from './list-users.ts'
export { POOL_MIGRATIONS } from './migrations.ts'
export { deleteFromOutbox, outboxDepth, readOutbox } from './outbox.ts'
export {
  allParticipants,
  type OrphanedParticipant,
  orphanedParticipants,
  participantCount,
  participantCounts,
} from './participants.ts'
export { type PolicyPlace, policyEnables } from './policies.ts'
export {
  DEFAULT_POOL_CONFIGURATION,
  type PoolConfiguration,
  poolConfiguration,
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
  decideFor,
  loadRoles,
  loadRoomAccess,
  loadScope,
  type RoomAccess,
  standingIn,
  standingsIn,
} from './room-access.ts'
export {
  findRoom,
  listRooms,
  type Room,
  type RoomFilter,
  type RoomTextFilter,
  type RoomViewer,
  roomCounters,
  rosterOf,
} from './rooms.ts'
export { reindexChat, reindexChats, reindexRoom } from './search-again.ts'
export { type ChatSearch, type ChatsFound, type FoundChat, searchChats } from './search-chats.ts'
export { type FeedSearch, searchFeed } from './search-feed.ts'
export { type IndexProgress, indexChats } from './search-index.ts'
export { searchCursor } from './search-order.ts'
export { indexPauseMs } from './search-pace.ts'
export { SearchRefused } from './search-refused.ts'
export { findPoolRoom, type PoolSettings, poolSettings, readActiveServers, readPoolState } from './settings.ts'
export { createSignIn, type SignIn, type SignInResult } from './sign-in.ts'
export {
  channelServices,
  declareDead,
  type Source,
  settleSource,
  silentSources,
  sourceStates,
  startSource,
  stopSource,
  takeRollCall,
} from './sources.ts'
export { type RoomUse, type Usage, type UsageQuestion, usageOf } from './usage.ts'
