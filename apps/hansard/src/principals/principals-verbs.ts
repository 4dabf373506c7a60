import type { Command } from 'commander'
import { between, type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'

export function addPrincipalsVerbs(program: Command, { io, run }: Verbs): void {
  poolVerb(program.command('principals').description('users, groups and domains'), 'eligible', 'whom lists may name')
    .option('--category <name>', 'the lists of rooms of this category')
    .option('--room <room>', 'the lists of this room')
    .option('--presenters', 'whom the auditorium may make presenters', false)
    .option('--filter <wildcard>', 'the URI or the name')
    .option('--limit <n>', 'so many at most', between(0, 10_000), 1_000)
    .action(
      run(
        async (
          options: PoolOptions & {
            category?: string
            room?: string
            presenters: boolean
            filter?: string
            limit: number
          },
        ) => {
          const { listEligible } = await import('./eligible.ts')
          return listEligible(io, options)
        },
      ),
    )
}
