export { FILE_SERVICE_DEFAULTS, type FileServiceConfig } from './config.ts'
export { type FileService, startFileService } from './service.ts'
