export { openBullTransport } from './bull-transport.ts'
export { openInlineTransport } from './inline-transport.ts'
export {
  type Consumer,
  type EnvelopeHandler,
  QueueUnavailable,
  type Transport,
  type TransportDepth,
} from './transport.ts'
