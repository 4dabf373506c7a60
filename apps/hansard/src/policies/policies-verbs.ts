import type { Command } from 'commander'
import { type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'

type PolicyOptions = PoolOptions & { description?: string; enabled?: boolean; disabled?: boolean }

export function addPolicyVerbs(program: Command, { io, run }: Verbs): void {
  const policies = program.command('policies').description('who may use the pool; the most specific policy counts')
  poolVerb(policies, 'list', 'all policies').action(
    run(async (options: PoolOptions) => {
      const { listPolicies } = await import('./policies.ts')
      return listPolicies(io, options)
    }),
  )
  const states = (command: Command) =>
    command
      .argument('<identity>', 'global, site:<name>, pool:<name>, or a name to grant it by')
      .option('--description <text>')
      .option('--enabled', 'whom it counts for may use the pool')
      .option('--disabled', 'whom it counts for may not')
  states(poolVerb(policies, 'add', 'add a policy')).action(
    run(async (identity: string, options: PolicyOptions) => {
      const { addPolicy } = await import('./policies.ts')
      return addPolicy(io, identity, options)
    }),
  )
  states(poolVerb(policies, 'set', 'change a policy')).action(
    run(async (identity: string, options: PolicyOptions) => {
      const { setPolicy } = await import('./policies.ts')
      return setPolicy(io, identity, options)
    }),
  )
  poolVerb(policies, 'remove', 'remove a policy')
    .argument('<identity>')
    .action(
      run(async (identity: string, options: PoolOptions) => {
        const { removePolicy } = await import('./policies.ts')
        return removePolicy(io, identity, options)
      }),
    )
  poolVerb(policies, 'grant', 'grant a policy to a user, or take it away')
    .argument('<account>')
    .argument('[identity]')
    .option('--none', 'let a wider policy count again', false)
    .action(
      run(async (account: string, identity: string | undefined, options: PoolOptions & { none: boolean }) => {
        const { grantPolicy } = await import('./policies.ts')
        return grantPolicy(io, account, identity, options)
      }),
    )
}
