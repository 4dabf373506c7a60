export { ChatFilter, ClientMessage, type ClientMessageOf, FeedFilterMessage, TIME_MAX } from './client-messages.ts'
export { DEFAULT_LIMITS, FRAME_BYTES_MAX, type Limits } from './limits.ts'

export { REFUSALS, type WireRefusal } from './refusals.ts'
export {
  briefChatFrame,
  chatChangedFrame,
  chatFrame,
  HistoryChat,
  ServerMessage,
  type ServerMessageOf,
} from './server-messages.ts'
export { PoolDirectory, SignInReply, SignInRequest } from './sign-in.ts'
