/** vitest's report of the last `npm test`, from the root of the repository. `npm run test:seconds` reads it. */
export const REPORT_FILE = 'node_modules/.cache/hansard/test-report.json'
