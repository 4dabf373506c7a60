export type { LookupServiceConfig } from './config.ts'
export { startLookupService } from './service.ts'
