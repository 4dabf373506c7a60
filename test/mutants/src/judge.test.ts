import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { describe, expect, it } from 'vitest'
import { type Explained, judge, type TestedMutant } from './judge.ts'

const root = resolve(import.meta.dirname, '../../..')
const mutant = (becomes: string, outcome: TestedMutant['outcome'] = 'killed'): TestedMutant => ({
  file: 'packages/x/src/x.ts',
  line: 'if (a < b) return',
  was: 'a < b',
  becomes,
  outcome,
})
const explain = (
  becomes: string,
  why = 'a and b are never equal here, by the constraint in the schema.',
): Explained => {
  const { outcome: _, ...rest } = mutant(becomes)
  return { ...rest, why }
}
const killed = Array.from({ length: 9 }, (_, n) => mutant(`killed ${n}`))

describe('a package', () => {
  it('passes when nine in ten mutants are killed and the others are explained', () => {
    expect(judge('x', [...killed, mutant('a <= b', 'survived')], [explain('a <= b')])).toEqual({
      tested: 10,
      killed: 9,
      problems: [],
    })
  })

  it('fails when a survivor is not explained, or hardly', () => {
    const mutants = [...killed, mutant('a <= b', 'survived')]
    expect(judge('x', mutants, []).problems).toEqual([
      'packages/x/src/x.ts: `if (a < b) return` with `a <= b` for `a < b` survives, and nothing explains it',
    ])
    expect(judge('x', mutants, [explain('a <= b', 'harmless')]).problems).toMatchObject([/is not explained in full/])
  })

  it('fails when fewer are killed, however well that is explained', () => {
    const mutants = [...killed.slice(1), mutant('a <= b', 'survived')]
    expect(judge('x', mutants, [explain('a <= b')]).problems).toMatchObject([/kill 8 of 9 mutants, at least 90 %/])
  })

  it('fails when an explanation is of a mutant that is killed, and ignores those of files that were not tested', () => {
    const elsewhere = { ...explain('a <= b'), file: 'packages/y/src/y.ts' }
    expect(judge('x', killed, [elsewhere]).problems).toEqual([])
    expect(judge('x', killed, [explain('killed 3')]).problems).toMatchObject([/does not survive/])
  })

  it('fails when nothing was mutated', () => {
    expect(judge('x', [], []).problems).toMatchObject([/nothing to mutate/])
  })
})

it('every explained survivor is of a line that is still there', () => {
  const list = JSON.parse(readFileSync(resolve(root, 'test/mutants/survivors.json'), 'utf8')) as Explained[]
  const gone = list.filter(({ file, line }) => {
    const lines = readFileSync(resolve(root, file), 'utf8').split('\n')
    return !lines.some((each) => each.trim() === line)
  })
  expect(gone).toEqual([])
})
