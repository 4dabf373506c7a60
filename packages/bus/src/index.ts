export type { Bus } from './bus.ts'
export { openInlineBus } from './inline-bus.ts'
export {
  type BusMessage,
  isRoomMessage,
  type PoolMessage,
  PROBE_HEADER,
  PROBE_PROTOCOL,
  type RoomMessage,
} from './messages.ts'
export { openRedisBus } from './redis-bus.ts'
