import type { Command } from 'commander'
import { asked, json, type PoolOptions, type Verbs } from '../cli/verb.ts'

export function addGapsVerbs(program: Command, { io, run }: Verbs): void {
  const gaps = program.command('gaps').description('numbers that no database has, and that hold exports up')
  asked(json(gaps.command('list')))
    .description('which are missing, and which were accepted; exit code 1 when any is missing')
    .action(
      run(async (options: PoolOptions) => {
        const { listGaps } = await import('./gaps.ts')
        return listGaps(io, options)
      }),
    )
  asked(json(gaps.command('accept')))
    .description('propose that they are accepted as missing; or, as a second person, accept it')
    .argument('<source>', 'SOURCE/EPOCH or SOURCE/EPOCH/INCARNATION, as gaps list names it')
    .argument('<numbers>', 'FROM-TO, or one number')
    .option('--reason <text>', 'why they are missing; a proposal needs one, and the manifest shows it')
    .action(
      run(async (source: string, numbers: string, options: PoolOptions & { reason?: string }) => {
        const { acceptGap } = await import('./gaps.ts')
        return acceptGap(io, { source, numbers }, options)
      }),
    )
}
