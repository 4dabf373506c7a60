import { parseArgs } from 'node:util'
import { enterpriseRun } from './enterprise-run.ts'
import { standardRun } from './standard-run.ts'

// npm run chaos -- [--seed N] [--rounds N] [--edition enterprise|standard]
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(performance.timeOrigin) % 100_000) },
    rounds: { type: 'string', default: '20' },
    edition: { type: 'string', default: 'enterprise' },
  },
})
const seed = Number(values.seed)
const rounds = Number(values.rounds)
const run = values.edition === 'standard' ? standardRun : enterpriseRun
const report = (line: string) => void process.stdout.write(`${line}\n`)
report(`seed ${seed}, ${rounds} rounds, ${values.edition} edition`)
const result = await run({ seed, rounds, report })
report(`${result.rounds} rounds, ${result.chats} chats acknowledged, ${result.breaches.length} breaches`)
for (const breach of result.breaches.slice(0, 50)) report(`  ${breach}`)
if (result.breaches.length > 0) {
  report(`repeat it with: npm run chaos -- --edition ${values.edition} --seed ${seed} --rounds ${result.rounds}`)
  process.exitCode = 1
}
