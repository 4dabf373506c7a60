export { LOOKUP_SERVICE_DEFAULTS, lookupProcessConfig } from './config.ts'
export { startLookupService } from './service.ts'
