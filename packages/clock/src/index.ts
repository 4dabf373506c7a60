export { type Clock, ManualClock, systemClock, type Timer } from './clock.ts'
