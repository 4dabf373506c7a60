export { type Counts, countTests, type TestReport } from './count-tests.ts'
export { findMissingPrograms, provisionPrograms } from './provision-programs.ts'
