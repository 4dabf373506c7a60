import { eviction } from './eviction-in-test.ts'

eviction('sqlite')
