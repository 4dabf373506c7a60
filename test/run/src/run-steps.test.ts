import { tmpdir } from 'node:os'
import { expect, it } from 'vitest'
import { type RunStep, runSteps } from './run-steps.ts'

const where = { root: tmpdir(), env: process.env }
const step = (name: string, program: string, saw?: RegExp): RunStep => ({
  name,
  command: process.execPath,
  args: ['--eval', program],
  ...(saw ? { saw } : {}),
})

it('runs every step, also after a failed one, and keeps its output', async () => {
  const steps = [
    step('first', 'console.error("wrong"); process.exit(3)'),
    { name: 'second', command: '/no/such/program', args: [] },
    step('third', 'console.log("fine")'),
  ]

  const results = await runSteps(steps, where)

  expect(results.map(({ name, passed }) => [name, passed])).toEqual([
    ['first', false],
    ['second', false],
    ['third', true],
  ])
  expect(results[0]!.output).toContain('wrong')
  expect(results[1]!.output).toContain('ENOENT')
})

it('does not pass a step that checked nothing', async () => {
  const saw = /Checked [1-9]\d* files/

  const results = await runSteps(
    [step('idle', 'console.log("Checked 0 files")', saw), step('busy', 'console.log("Checked 12 files")', saw)],
    where,
  )

  expect(results.map(({ passed }) => passed)).toEqual([false, true])
})
