export { type ConnectOptions, connect } from './connect.ts'
export { ClosedError, RefusedError, UncertainError, UnreachableError, UnsafeAddressError } from './errors.ts'
export { requireFollowable } from './may-follow.ts'
export type { ClientListeners, PoolClient } from './pool-client.ts'
export type {
  ChatFilter,
  Dropped,
  FileToken,
  FollowedRoom,
  Found,
  FoundChat,
  Invitation,
  NewRoom,
  PoolRequests,
  Principal,
  RoleChange,
  RoomEntry,
  RoomFilter,
  RoomInfo,
  RoomPage,
  RoomProperties,
} from './pool-requests.ts'
export type {
  AddIn,
  Chat,
  HistoryOptions,
  HistoryPage,
  Person,
  Posted,
  PostOptions,
  ReplaceOptions,
  RoomHandle,
  RoomListeners,
  RoomLook,
} from './room.ts'
export { findDirectory, readDirectory, signIn } from './sign-in.ts'
export { type OpenSocket, type Socket, type SocketEvents, standardSocket } from './socket.ts'
export { systemTiming, type Timing } from './timing.ts'
