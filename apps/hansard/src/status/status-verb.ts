import type { Command } from 'commander'
import { asked, json, type PoolOptions, type Verbs } from '../cli/verb.ts'

export function addStatusVerb(program: Command, { io, run }: Verbs): void {
  asked(json(program.command('status')))
    .description('where everything is that was accepted; exit code 1 when something needs a person')
    .action(
      run(async (options: PoolOptions) => {
        const { statusCommand } = await import('./status.ts')
        return statusCommand(io, options)
      }),
    )
}
