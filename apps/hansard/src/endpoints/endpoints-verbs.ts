import type { Command } from 'commander'
import { type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'

export function addEndpointVerbs(program: Command, { io, run }: Verbs): void {
  const endpoints = program.command('endpoints').description('addresses under which older clients find the pool')
  poolVerb(endpoints, 'list', 'all endpoints').action(
    run(async (options: PoolOptions) => {
      const { listEndpoints } = await import('./endpoints.ts')
      return listEndpoints(io, options)
    }),
  )
  poolVerb(endpoints, 'add', 'add an endpoint')
    .argument('<uri>', 'such as sip:chat@example.com')
    .option('--name <name>', 'display name')
    .action(
      run(async (uri: string, options: PoolOptions & { name?: string }) => {
        const { addEndpoint } = await import('./endpoints.ts')
        return addEndpoint(io, uri, options)
      }),
    )
  poolVerb(endpoints, 'remove', 'remove an endpoint')
    .argument('<uri>')
    .action(
      run(async (uri: string, options: PoolOptions) => {
        const { removeEndpoint } = await import('./endpoints.ts')
        return removeEndpoint(io, uri, options)
      }),
    )
}
