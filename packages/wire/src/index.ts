export {
  chatFrame,
  ClientMessage,
  type ClientMessageOf,
  type HistoryChat,
  type Refusal,
  REFUSALS,
  ServerMessage,
  type ServerMessageOf,
} from './messages.ts'
export { DEFAULT_LIMITS, FRAME_BYTES_MAX, type Limits } from './limits.ts'
export { PoolDirectory, SignInReply, SignInRequest } from './sign-in.ts'
