export { ADMIN_API_DEFAULTS, startAdminApi } from './service.ts'
