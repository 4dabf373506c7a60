import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'

// In a separate process, whose timers fire under the test's control.
const PROGRAM = `
const { returnMemoryWhenQuiet } = await import(process.argv[1])
const due = []
returnMemoryWhenQuiet({ after: (ms, run) => due.push(run) })
const rss = () => Math.round(process.memoryUsage.rss() / 1_048_576)
let burst = Array.from({ length: 2_000_000 }, (_, n) => ({ n, text: 'x' + n }))
const full = rss() + burst.length * 0
burst = undefined
// The first look sees the burst. The process is quiet once a look finds it idle since the one before.
for (let looks = 0; looks < 100 && rss() > full / 2; looks += 1) {
  due.shift()()
  await new Promise((resolve) => setTimeout(resolve, 50))
}
console.log(JSON.stringify({ full, after: rss() }))
`

it('returns the memory that a burst of work has left allocated', () => {
  const program = new URL('./return-memory.ts', import.meta.url).href
  const args = ['--input-type=module', '--no-warnings', '-e', PROGRAM, program]
  const { full, after } = JSON.parse(execFileSync(process.execPath, args, { encoding: 'utf8' }))

  expect(full).toBeGreaterThan(150)
  expect(after).toBeLessThan(full / 2)
})
