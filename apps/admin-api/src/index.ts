export { adminProcessConfig } from './config.ts'
export { requireOperatorPassword } from './operator-account.ts'
export { ADMIN_API_DEFAULTS, startAdminApi } from './service.ts'
