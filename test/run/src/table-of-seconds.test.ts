import { expect, it } from 'vitest'
import { tableOfSeconds } from './table-of-seconds.ts'

const file = (name: string, startTime: number, endTime: number) => ({ name: `/project/${name}`, startTime, endTime })

it('sums the seconds of a folder, slowest first, and reports the duration of the run', () => {
  const testResults = [
    file('packages/rooms/src/a.test.ts', 1_000, 1_500),
    file('packages/rooms/src/b.test.ts', 1_500, 2_500),
    file('apps/relay/src/c.test.ts', 1_000, 5_000),
  ]

  const lines = tableOfSeconds({ testResults }, '/project').split('\n')

  expect(lines.slice(2, 5)).toEqual([
    '| `apps/relay` | 1 | 4.0 |',
    '| `packages/rooms` | 2 | 1.5 |',
    '| all, side by side | 3 | 5.5 in 4.0 |',
  ])
  expect(lines.slice(8)).toEqual([
    '| `apps/relay/src/c.test.ts` | 4.0 |',
    '| `packages/rooms/src/b.test.ts` | 1.0 |',
    '| `packages/rooms/src/a.test.ts` | 0.5 |',
  ])
})
