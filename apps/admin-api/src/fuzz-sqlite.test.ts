import { fuzz } from './fuzz-in-test.ts'

fuzz('sqlite', 20_010)
