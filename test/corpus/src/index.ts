export { type Comparison, compareWithLogs } from './compare.ts'
