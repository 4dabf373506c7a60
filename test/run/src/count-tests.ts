import { relative } from 'node:path'

/** The part of vitest's JSON report that is read here. */
export type TestReport = {
  readonly testResults: readonly {
    readonly name: string
    readonly status: string
    readonly message?: string
    readonly assertionResults: readonly { readonly fullName: string; readonly status: string }[]
  }[]
}

type Counts = {
  readonly passed: number
  readonly failed: number
  readonly skipped: number
  /** `file: name` of every test that did not run */
  readonly skippedNames: readonly string[]
}

/**
 * Counts what ran.
 *
 * vitest's own totals ignore a file that failed to load: it has no tests, so none failed. Here such a file counts as
 * one failure, and so does a run without any test.
 */
export function countTests(report: TestReport, root: string): Counts {
  let passed = 0
  let failed = 0
  const skippedNames: string[] = []
  for (const file of report.testResults) {
    let failedHere = 0
    for (const { fullName, status } of file.assertionResults) {
      if (status === 'passed') passed += 1
      else if (status === 'failed') failedHere += 1
      else skippedNames.push(`${relative(root, file.name)}: ${fullName}`)
    }
    if (file.status === 'failed' && failedHere === 0) failedHere = 1
    failed += failedHere
  }
  if (passed + failed + skippedNames.length === 0) failed = 1
  return { passed, failed, skipped: skippedNames.length, skippedNames }
}
