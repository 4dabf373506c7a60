export { type AdminApiParts, addAdminApi, createOperator, type OperatorAccount } from './service.ts'
