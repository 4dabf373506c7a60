import { expect, it } from 'vitest'
import { enterpriseRun } from './enterprise-run.ts'
import { standardRun } from './standard-run.ts'

const lines: string[] = []
const report = (line: string) => void lines.push(line)

it('keeps every law while an Enterprise Edition pool is shot at', async () => {
  const seed = 4711
  const result = await enterpriseRun({ seed, rounds: 20, report })
  expect(
    result.breaches,
    `npm run chaos -- --edition enterprise --seed ${seed} --rounds 20\n${lines.join('\n')}`,
  ).toEqual([])
  expect(result.rounds).toBe(20)
  expect(result.chats).toBeGreaterThan(100)
})

it('keeps every law while a Standard Edition pool is killed again and again', async () => {
  const seed = 4712
  const result = await standardRun({ seed, rounds: 10, report })
  expect(
    result.breaches,
    `npm run chaos -- --edition standard --seed ${seed} --rounds 10\n${lines.join('\n')}`,
  ).toEqual([])
  expect(result.rounds).toBe(10)
  expect(result.chats).toBeGreaterThan(50)
})
