export { startRelay } from './service.ts'
