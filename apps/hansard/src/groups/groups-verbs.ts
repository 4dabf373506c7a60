import { AddGroupRequest, ChangeGroupRequest } from '@hansard/admin-contract'
import type { Command } from 'commander'
import { type GivenOptions, schemaOptions } from '../cli/schema-options.ts'
import { type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'

export function addGroupsVerbs(program: Command, { io, run }: Verbs): void {
  const groups = program.command('groups').description('groups of accounts, of groups, and of domains')
  schemaOptions(poolVerb(groups, 'add', 'add a group').argument('<name>'), AddGroupRequest, {
    texts: { name: 'left out', email: 'left out' },
  }).action(
    run(async (group: string, options: PoolOptions & GivenOptions) => {
      const { addGroup } = await import('./groups.ts')
      return addGroup(io, group, options)
    }),
  )
  poolVerb(groups, 'list', 'all groups').action(
    run(async (options: PoolOptions) => {
      const { listGroups } = await import('./groups.ts')
      return listGroups(io, options)
    }),
  )
  poolVerb(groups, 'show', 'a group and its members')
    .argument('<group>', 'name or URI')
    .action(
      run(async (group: string, options: PoolOptions) => {
        const { showGroup } = await import('./groups.ts')
        return showGroup(io, group, options)
      }),
    )
  const set = poolVerb(groups, 'set', 'change a group; what its members may do changes in the same moment').argument(
    '<group>',
    'name or URI',
  )
  schemaOptions(set, ChangeGroupRequest).action(
    run(async (group: string, options: PoolOptions & GivenOptions) => {
      const { setGroup } = await import('./groups.ts')
      return setGroup(io, group, options)
    }),
  )
  poolVerb(groups, 'remove', 'remove a group, and whatever was granted to it')
    .argument('<group>', 'name or URI')
    .option('--yes', 'do not ask', false)
    .action(
      run(async (group: string, options: PoolOptions & { yes: boolean }) => {
        const { removeGroup } = await import('./groups.ts')
        return removeGroup(io, group, options)
      }),
    )
}
