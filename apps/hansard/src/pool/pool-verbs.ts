import type { Command } from 'commander'
import { type PoolOptions, poolVerb, several, type Verbs } from '../cli/verb.ts'

export function addPoolVerbs(program: Command, { io, run }: Verbs): void {
  const pool = program.command('pool').description('the pool’s state and its active servers')
  poolVerb(pool, 'state', 'show or say whether the pool runs from its backup site: a note, which switches nothing')
    .argument('[state]', 'normal or failed-over')
    .action(
      run(async (state: string | undefined, options: PoolOptions) => {
        const { poolState } = await import('./pool.ts')
        return poolState(io, state, options)
      }),
    )
  const servers = poolVerb(pool, 'active-servers', 'show or change which channel services clients are sent to')
  several(servers, '--add <name>', 'a channel service')
  several(servers, '--remove <name>', 'a channel service')
  servers
    .option('--all', 'every server is active', false)
    .option('--swap', 'active servers become inactive and the other way round', false)
    .action(
      run(async (options: PoolOptions & { add: string[]; remove: string[]; all: boolean; swap: boolean }) => {
        const { activeServers } = await import('./pool.ts')
        return activeServers(io, options)
      }),
    )
}
