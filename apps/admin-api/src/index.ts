export { adminProcessConfig, approvalSetting } from './config.ts'
export { requireOperatorPassword } from './operator-account.ts'
export { ADMIN_API_DEFAULTS, type AdminApiConfig, startAdminApi } from './service.ts'
