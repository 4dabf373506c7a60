import { attention } from './attention-in-test.ts'

attention('sqlite')
