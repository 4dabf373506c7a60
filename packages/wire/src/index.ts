export { DEFAULT_LIMITS, FRAME_BYTES_MAX, type Limits } from './limits.ts'
export {
  ClientMessage,
  type ClientMessageOf,
  chatFrame,
  type HistoryChat,
  REFUSALS,
  type Refusal,
  ServerMessage,
  type ServerMessageOf,
} from './messages.ts'
export { PoolDirectory, SignInReply, SignInRequest } from './sign-in.ts'
