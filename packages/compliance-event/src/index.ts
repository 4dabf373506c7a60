export { genesisHead, type Head, leafOf, nextHead } from './chain.ts'
export { decodeEvent, encodeEvent, eventIdOf, InvalidEvent } from './encoding.ts'
export {
  ComplianceEvent,
  type EventKind,
  EVENT_KINDS,
  type EventOf,
  type EventPrincipal,
  type EventRoom,
  type PartReason,
} from './event.ts'
export { type Envelope, type EnvelopeEvent, type RollCall, type SourceReport, type SourceState } from './envelope.ts'
