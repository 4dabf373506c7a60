import type { Command } from 'commander'
import { asked, json, type PoolOptions, type Verbs } from '../cli/verb.ts'

export function addLeasesVerbs(program: Command, { io, run }: Verbs): void {
  const leases = program.command('leases').description('what only one process may do at a time, and which one may')
  asked(json(leases.command('list')))
    .description('who holds which lease, and until when')
    .action(
      run(async (options: PoolOptions) => {
        const { listLeases } = await import('./leases.ts')
        return listLeases(io, options)
      }),
    )
  asked(json(leases.command('break')))
    .description('take a lease away from its holder, which is fenced')
    .argument('<lease>', 'as leases list names it')
    .action(
      run(async (lease: string, options: PoolOptions) => {
        const { breakLease } = await import('./leases.ts')
        return breakLease(io, lease, options)
      }),
    )
}
