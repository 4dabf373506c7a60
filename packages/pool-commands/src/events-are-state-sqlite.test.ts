import { eventsAreState } from './events-are-state-in-test.ts'

eventsAreState('sqlite')
