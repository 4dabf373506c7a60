export { type LookupServiceConfig, lookupProcessConfig } from './config.ts'
export { startLookupService } from './service.ts'
