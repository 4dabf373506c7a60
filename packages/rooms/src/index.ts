export { ALLOWED, type Decision, mayJoin, type Refusal, refuse } from './access.ts'
export { accountNameProblem, principalUri } from './principal-uri.ts'
export type { Room, RoomPrivacy } from './room.ts'
export { newRoomUri, parseRoomUri, roomNameProblem } from './room-uri.ts'
