export { adminProcessConfig } from './config.ts'
export type { OperatorAccount } from './operator-account.ts'
export { adminHttpOptions } from './serve.ts'
export { ADMIN_API_DEFAULTS, type AdminApi, type AdminApiConfig, startAdminApi } from './service.ts'
