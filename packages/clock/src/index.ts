export { type Clock, ManualClock, systemClock, type Timer } from './clock.ts'
export { SteppedClock } from './stepped-clock.ts'
