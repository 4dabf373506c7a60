import { foldIsState } from './fold-is-state-in-test.ts'

foldIsState('sqlite')
