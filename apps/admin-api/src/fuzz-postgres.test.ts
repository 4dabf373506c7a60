import { fuzz } from './fuzz-in-test.ts'

fuzz('postgres', 3_000)
