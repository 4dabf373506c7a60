export { ChatFilter, ClientMessage, type ClientMessageOf, FeedFilter } from './client-messages.ts'
export { DEFAULT_LIMITS, FRAME_BYTES_MAX, type Limits } from './limits.ts'
export { EMOTICONS, type Emoticon, type TextPart, textParts } from './parts.ts'
export { REFUSALS, type Refusal } from './refusals.ts'
export {
  briefChatFrame,
  chatChangedFrame,
  chatFrame,
  HistoryChat,
  RoomEntry,
  ServerMessage,
  type ServerMessageOf,
} from './server-messages.ts'
export { PoolDirectory, SignInReply, SignInRequest } from './sign-in.ts'
