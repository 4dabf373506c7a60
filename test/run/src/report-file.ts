/** Path of vitest's report of the last `npm test`, from the root of the repository. Read by `npm run test:seconds`. */
export const REPORT_FILE = 'node_modules/.cache/hansard/test-report.json'
