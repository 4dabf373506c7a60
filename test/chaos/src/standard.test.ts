import { expect, it } from 'vitest'
import { standardRun } from './standard-run.ts'

it('keeps every law while a Standard Edition pool is killed repeatedly', async () => {
  const seed = 4712
  const lines: string[] = []
  const result = await standardRun({ seed, rounds: 10, report: (line) => void lines.push(line) })
  expect(
    result.breaches,
    `npm run chaos -- --edition standard --seed ${seed} --rounds 10\n${lines.join('\n')}`,
  ).toEqual([])
  expect(result.rounds).toBe(10)
  expect(result.chats).toBeGreaterThan(50)
})
