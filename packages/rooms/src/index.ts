export {
  ACCESS_REFUSALS,
  type AccessSettings,
  type Decision,
  decide,
  mayCreateRoom,
  mayKnowCategory,
  type Refusal,
  ROOM_OPERATIONS,
  type RoomOperation,
  refuse,
} from './access.ts'
export { fileUri, parseFileUri } from './file-uri.ts'
export {
  accountNameProblem,
  domainDisplayName,
  domainProblem,
  domainUri,
  groupUri,
  keptPrincipalUri,
  parseDomainUri,
  principalUri,
} from './principal-uri.ts'
export {
  POOL_ROLES,
  type PoolRole,
  ROOM_INVITATIONS,
  ROOM_PRIVACIES,
  ROOM_ROLES,
  ROOM_TYPES,
  type RoomInvitations,
  type RoomPrivacy,
  type RoomRole,
  type RoomRules,
  type RoomType,
  SCOPE_LISTS,
  type ScopeList,
} from './room.ts'
export {
  nameProblem,
  newCategoryUri,
  newRoomUri,
  parseRoomUri,
  policyNameProblem,
  roomNameProblem,
} from './room-uri.ts'
export { SIGN_IN_OUTCOMES, type SignInOutcome } from './sign-in-outcomes.ts'
export { type RoomRoles, type Scope, type Standing, standingOf } from './standing.ts'
export { endpointUriProblem, isKeepable, quoted, TEXT_LIMITS, textProblem, webAddressProblem } from './texts.ts'
