import { describe, expect, it } from 'vitest'
import { countTests } from './count-tests.ts'

const file = (name: string, status: string, ...statuses: string[]) => ({
  name: `/project/${name}`,
  status,
  assertionResults: statuses.map((s, index) => ({ fullName: `test ${index + 1}`, status: s })),
})

describe('the closing counts', () => {
  it('count every test once', () => {
    const report = { testResults: [file('a', 'passed', 'passed', 'passed'), file('b', 'failed', 'passed', 'failed')] }

    expect(countTests(report, '/project')).toMatchObject({ passed: 3, failed: 1, skipped: 0 })
  })

  it('name skipped tests, whatever the runner calls them', () => {
    const report = { testResults: [file('a.test.ts', 'passed', 'passed', 'skipped', 'todo', 'pending')] }

    expect(countTests(report, '/project').skippedNames).toEqual([
      'a.test.ts: test 2',
      'a.test.ts: test 3',
      'a.test.ts: test 4',
    ])
  })

  it('count a file that failed to load as a failure', () => {
    expect(countTests({ testResults: [file('a', 'failed')] }, '/project').failed).toBe(1)
  })

  it('do not pass a run without tests', () => {
    expect(countTests({ testResults: [] }, '/project').failed).toBe(1)
  })
})
