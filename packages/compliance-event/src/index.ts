export { genesisHead, type Head, leafOf, nextHead } from './chain.ts'
export { decodeEvent, encodeEvent, eventIdOf, InvalidEvent } from './encoding.ts'
export type { Envelope, EnvelopeEvent, SourceProgress, SourceReport, SourceState } from './envelope.ts'
export {
  CHANGE_SUBJECTS,
  Change,
  type ChangeValue,
  ComplianceEvent,
  EVENT_KINDS,
  type EventKind,
  type EventOf,
  type EventPrincipal,
  type EventRoom,
  type PartReason,
} from './event.ts'
