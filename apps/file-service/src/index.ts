export { FILE_SERVICE_DEFAULTS, fileProcessConfig } from './config.ts'
export { startFileService } from './service.ts'
