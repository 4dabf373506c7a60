export type { OperatorAccount } from './operator-account.ts'
export { ADMIN_API_DEFAULTS, type AdminApi, type AdminApiConfig, startAdminApi } from './service.ts'
