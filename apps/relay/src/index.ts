export { relayProcessConfig } from './config.ts'
export { startRelay } from './service.ts'
