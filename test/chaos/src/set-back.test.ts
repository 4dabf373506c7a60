import { expect, it } from 'vitest'
import { setBackRun } from './set-back-run.ts'

it.each([
  { edition: 'enterprise', seed: 12, rounds: 1 },
  { edition: 'standard', seed: 13, rounds: 2 },
] as const)(
  'names every acknowledged chat that is lost when a database of the $edition edition goes back',
  async ({ edition, seed, rounds }) => {
    const lines: string[] = []
    const result = await setBackRun({ edition, seed, rounds, report: (line) => void lines.push(line) })
    expect(
      result.breaches,
      `npm run chaos -- --edition ${edition} --seed ${seed} --rounds ${rounds} --set-back\n${lines.join('\n')}`,
    ).toEqual([])
    expect(result.rounds).toBe(rounds)
    expect(result.chats).toBeGreaterThan(20)
  },
)
