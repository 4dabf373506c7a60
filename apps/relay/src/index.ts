export { RELAY_DEFAULTS, type RelayConfig, relayProcessConfig } from './config.ts'
export { type Relay, startRelay } from './service.ts'
