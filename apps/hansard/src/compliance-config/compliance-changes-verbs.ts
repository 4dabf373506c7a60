import type { Command } from 'commander'
import { between, type PoolOptions, poolVerb, positive, type Verbs } from '../cli/verb.ts'

const number = between(1, Number.MAX_SAFE_INTEGER)
const CHANGE = ['<number>', 'as list shows it'] as const

export function addComplianceChangesVerbs(program: Command, { io, run }: Verbs): void {
  const changes = program
    .command('compliance-changes')
    .description('proposed changes to what is exported; another person approves them')
  poolVerb(changes, 'list', 'proposed changes, newest first')
    .option('--open', 'only those that nobody has decided yet', false)
    .option('--limit <n>', 'so many at most', positive, 50)
    .action(
      run(async (options: PoolOptions & { open: boolean; limit: number }) => {
        const { listChanges } = await import('./compliance-changes.ts')
        return listChanges(io, options)
      }),
    )
  poolVerb(changes, 'show', 'one proposed change, beside what applies now')
    .argument(...CHANGE, number)
    .action(
      run(async (change: number, options: PoolOptions) => {
        const { showChange } = await import('./compliance-changes.ts')
        return showChange(io, change, options)
      }),
    )
  poolVerb(changes, 'approve', 'approve a change that somebody else proposed; it applies at once')
    .argument(...CHANGE, number)
    .option('--sha256 <hash>', 'of the proposal; without it, the proposal is shown and you are asked')
    .option('--yes', 'do not ask', false)
    .action(
      run(async (change: number, options: PoolOptions & { sha256?: string; yes: boolean }) => {
        const { approveChange } = await import('./compliance-changes.ts')
        return approveChange(io, change, options)
      }),
    )
  for (const [verb, description] of [
    ['refuse', 'refuse a change that somebody else proposed'],
    ['withdraw', 'withdraw a change that you proposed'],
  ] as const)
    poolVerb(changes, verb, description)
      .argument(...CHANGE, number)
      .option('--reason <text>', 'why')
      .action(
        run(async (change: number, options: PoolOptions & { reason?: string }) => {
          const { closeChange } = await import('./compliance-changes.ts')
          return closeChange(io, change, verb, options)
        }),
      )
}
