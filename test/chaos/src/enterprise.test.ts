import { expect, it } from 'vitest'
import { enterpriseRun } from './enterprise-run.ts'

it('keeps every law while faults strike an Enterprise Edition pool', async () => {
  const seed = 4711
  const lines: string[] = []
  const result = await enterpriseRun({ seed, rounds: 20, report: (line) => void lines.push(line) })
  expect(
    result.breaches,
    `npm run chaos -- --edition enterprise --seed ${seed} --rounds 20\n${lines.join('\n')}`,
  ).toEqual([])
  expect(result.rounds).toBe(20)
  expect(result.chats).toBeGreaterThan(100)
})
