export { RELAY_DEFAULTS, type RelayConfig } from './config.ts'
export { type Relay, startRelay } from './service.ts'
