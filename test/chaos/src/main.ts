import { parseArgs } from 'node:util'
import { enterpriseRun } from './enterprise-run.ts'
import { setBackRun } from './set-back-run.ts'
import { standardRun } from './standard-run.ts'

// npm run chaos -- [--seed N] [--rounds N] [--edition enterprise|standard] [--frozen SECONDS] [--only WORDS] [--set-back]
// --set-back: databases that go back, each round on a pool of its own
// --frozen: the longest that a process is frozen; --only: faults whose names contain the words
const { values } = parseArgs({
  options: {
    seed: { type: 'string', default: String(Math.floor(performance.timeOrigin) % 100_000) },
    rounds: { type: 'string', default: '20' },
    edition: { type: 'string', default: 'enterprise' },
    frozen: { type: 'string', default: '15' },
    only: { type: 'string' },
    'set-back': { type: 'boolean', default: false },
  },
})
const seed = Number(values.seed)
const rounds = Number(values.rounds)
const report = (line: string) => void process.stdout.write(`${line}\n`)
report(`seed ${seed}, ${rounds} rounds, ${values.edition} edition`)
const { frozen, only, 'set-back': setBack } = values
const edition = values.edition === 'standard' ? 'standard' : 'enterprise'
const run = edition === 'standard' ? standardRun : enterpriseRun
const result = setBack
  ? await setBackRun({ seed, rounds, report, edition })
  : await run({ seed, rounds, report, frozenMsMax: 1_000 * Number(frozen), only })
report(`${result.rounds} rounds, ${result.chats} chats acknowledged, ${result.breaches.length} breaches`)
for (const breach of result.breaches.slice(0, 50)) report(`  ${breach}`)
if (result.breaches.length > 0) {
  const more = `${setBack ? ' --set-back' : ''}${frozen === '15' ? '' : ` --frozen ${frozen}`}${only === undefined ? '' : ` --only '${only}'`}`
  report(`repeat it with: npm run chaos -- --edition ${edition} --seed ${seed} --rounds ${result.rounds}${more}`)
  process.exitCode = 1
}
