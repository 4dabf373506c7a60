export { type Loop, startLoop } from './loop.ts'
export { type Service, StopStack } from './service.ts'
