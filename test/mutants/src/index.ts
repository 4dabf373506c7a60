export { type Explained, judge, type TestedMutant } from './judge.ts'
