import { rights } from './rights-in-test.ts'

rights('sqlite')
