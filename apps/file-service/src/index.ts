export { FILE_SERVICE_DEFAULTS, type FileServiceConfig, fileProcessConfig } from './config.ts'
export { type FileService, startFileService } from './service.ts'
