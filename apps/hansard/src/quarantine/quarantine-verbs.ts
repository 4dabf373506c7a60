import type { Command } from 'commander'
import { asked, json, type PoolOptions, type Verbs } from '../cli/verb.ts'

export function addQuarantineVerbs(program: Command, { io, run }: Verbs): void {
  const quarantine = program.command('quarantine').description('events that could not be staged')
  asked(json(quarantine.command('list')))
    .description('what is there and why; exit code 1 when there is anything')
    .action(
      run(async (options: PoolOptions) => {
        const { listQuarantine } = await import('./quarantine.ts')
        return listQuarantine(io, options)
      }),
    )
  asked(json(quarantine.command('retry')))
    .description('try to stage them again')
    .action(
      run(async (options: PoolOptions) => {
        const { retryQuarantine } = await import('./quarantine.ts')
        return retryQuarantine(io, options)
      }),
    )
}
