export { type Loop, startLoop } from './loop.ts'
export { StopStack, type Service } from './service.ts'
