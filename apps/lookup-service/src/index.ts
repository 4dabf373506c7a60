export { startLookupService } from './service.ts'
