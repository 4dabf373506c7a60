export { type AdminApiParts, addAdminApi, createOperator } from './service.ts'
