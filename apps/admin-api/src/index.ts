export { adminProcessConfig } from './config.ts'
export { ADMIN_API_DEFAULTS, startAdminApi } from './service.ts'
