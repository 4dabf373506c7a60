export { lookupProcessConfig } from './config.ts'
export { startLookupService } from './service.ts'
