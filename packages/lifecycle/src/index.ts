export { giveWay, givingWay } from './give-way.ts'
export { type Loop, startLoop } from './loop.ts'
export { type Service, StopStack } from './service.ts'
