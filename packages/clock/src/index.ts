export { type Clock, ManualClock, type Timer, systemClock } from './clock.ts'
