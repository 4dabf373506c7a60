export { FILE_SERVICE_DEFAULTS } from './config.ts'
export { startFileService } from './service.ts'
