export { LOOKUP_SERVICE_DEFAULTS, lookupProcessConfig } from './config.ts'
export { type LookupService, startLookupService } from './service.ts'
