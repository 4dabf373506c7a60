export { genesisHead, type Head, leafOf, nextHead } from './chain.ts'
export { decodeEvent, encodeEvent } from './encoding.ts'
export type { Envelope, EnvelopeEvent, SourceLoss, SourceProgress, SourceReport, SourceState } from './envelope.ts'
export {
  Change,
  type ChangeValue,
  ComplianceEvent,
  EVENT_KINDS,
  type EventKind,
  type EventOf,
  type EventPrincipal,
  type PartReason,
  type RefusedSignIn,
} from './event.ts'
