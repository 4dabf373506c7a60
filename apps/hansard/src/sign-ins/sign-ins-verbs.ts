import { SIGN_IN_OUTCOMES } from '@hansard/rooms'
import type { Command } from 'commander'
import { choice, DATES, moment, momentAfter, poolVerb, positive, type Verbs } from '../cli/verb.ts'
import type { ListSignInsOptions } from './sign-ins.ts'

/** Who signed in, and who could not. */
export function addSignInsVerbs(program: Command, { io, run }: Verbs): void {
  const signIns = program.command('sign-ins').description('who signed in, and who could not')
  poolVerb(signIns, 'list', 'sign-ins, failures, and refusals for want of rights; newest first')
    .option('--account <name>', 'only of this account, as it was typed')
    .addOption(choice('--outcome <outcome>', 'only these', SIGN_IN_OUTCOMES))
    .option('--from <time>', DATES.from, moment)
    .option('--to <time>', DATES.through, momentAfter)
    .option('--limit <n>', 'so many at most', positive, 100)
    .action(
      run(async (options: ListSignInsOptions) => {
        const { listSignIns } = await import('./sign-ins.ts')
        return listSignIns(io, options)
      }),
    )
}
