import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

// In a separate process, whose timers fire under the test's control.
const PROGRAM = `
const { returnMemoryWhenQuiet } = await import(process.argv[1])
const due = []
let busy = 1
returnMemoryWhenQuiet({ after: (ms, run) => due.push(run) }, () => busy)
const rss = () => Math.round(process.memoryUsage.rss() / 1_048_576)
let burst = Array.from({ length: 2_000_000 }, (_, n) => ({ n, text: 'x' + n }))
const full = rss() + burst.length * 0
burst = undefined
due.shift()()
const whileBusy = rss()
busy = 0
due.shift()()
console.log(JSON.stringify({ full, whileBusy, after: rss() }))
`

it('returns the memory that a burst of work has left allocated', () => {
  const program = new URL('./return-memory.ts', import.meta.url).href
  const args = ['--input-type=module', '--no-warnings', '-e', PROGRAM, program]
  const { full, whileBusy, after } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))

  expect(full).toBeGreaterThan(150)
  expect(whileBusy).toBeGreaterThan(full / 2)
  expect(after).toBeLessThan(full / 2)
})
