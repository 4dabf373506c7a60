export { type ChaosResult, enterpriseRun } from './enterprise-run.ts'
export { standardRun } from './standard-run.ts'
