import { POOL_ROLES } from '@hansard/rooms'
import type { Command } from 'commander'
import type { AddUsersOptions, ListUsersOptions, SetUserOptions } from '../commands/users.ts'
import { choice, listOptions, onOff, type PoolOptions, poolVerb, several, severalOf, type Verbs } from './verb.ts'

export function addPeopleVerbs(program: Command, { io, run }: Verbs): void {
  const users = program.command('users').description('accounts')
  severalOf(
    poolVerb(users, 'add', 'add accounts; each is given a key to sign in with, told once')
      .argument('<account...>')
      .option('--password', 'a password instead: typed, or from HANSARD_PASSWORD', false)
      .option('--name <name>', 'display name')
      .option('--email <address>')
      .option('--domain <domain>', 'the pool’s when absent')
      .option('--partner', 'of another organisation', false),
    '--role <role>',
    'a role in the pool',
    POOL_ROLES,
  ).action(
    run(async (accounts: string[], options: AddUsersOptions) => {
      const { addUsers } = await import('../commands/users.ts')
      return addUsers(io, accounts, options)
    }),
  )
  poolVerb(users, 'list', 'accounts, all or those that fit')
    .option('--filter <wildcard>', 'account or display name')
    .addOption(choice('--role <role>', 'only who holds it', POOL_ROLES))
    .addOption(onOff('--disabled <on|off>', 'only disabled accounts, or only others'))
    .option('--domain <domain>')
    .option('--policy <identity>', 'only who was granted it')
    .action(
      run(async (options: ListUsersOptions) => {
        const { listUsers } = await import('../commands/users.ts')
        return listUsers(io, options)
      }),
    )
  poolVerb(users, 'show', 'an account: roles, groups, whether it may use the pool')
    .argument('<account>', 'account or URI')
    .action(
      run(async (account: string, options: PoolOptions) => {
        const { showUser } = await import('../commands/users.ts')
        return showUser(io, account, options)
      }),
    )
  const set = poolVerb(users, 'set', 'change an account; who is disabled is signed out in the same moment')
    .argument('<account>', 'account or URI')
    .option('--name <name>', 'display name')
    .option('--email <address>')
    .option('--no-email')
    .addOption(onOff('--disabled <on|off>', 'may not, or may again, sign in'))
    .addOption(onOff('--partner <on|off>', 'of another organisation'))
  severalOf(set, '--add-role <role>', 'gives a role in the pool', POOL_ROLES)
  severalOf(set, '--remove-role <role>', 'takes a role in the pool', POOL_ROLES)
  set.action(
    run(async (account: string, options: SetUserOptions) => {
      const { setUser } = await import('../commands/users.ts')
      return setUser(io, account, options)
    }),
  )
  poolVerb(users, 'sign-out', 'end all sessions of an account; its password or key stays')
    .argument('<account>', 'account or URI')
    .action(
      run(async (account: string, options: PoolOptions) => {
        const { signOutUser } = await import('../commands/users.ts')
        return signOutUser(io, account, options)
      }),
    )
  poolVerb(users, 'passwd', 'give an account a new password: typed, or from HANSARD_PASSWORD')
    .argument('<account>')
    .action(
      run(async (account: string, options: PoolOptions) => {
        const { setPassword } = await import('../commands/users.ts')
        return setPassword(io, account, options)
      }),
    )

  const groups = program.command('groups').description('groups of accounts, of groups, and of domains')
  several(
    poolVerb(groups, 'add', 'add a group').argument('<name>').option('--name <name>', 'display name'),
    '--member <principal>',
    'an account, a group or a domain',
  ).action(
    run(async (group: string, options: PoolOptions & { name?: string; member: string[] }) => {
      const { addGroup } = await import('../commands/groups.ts')
      return addGroup(io, group, options)
    }),
  )
  poolVerb(groups, 'list', 'all groups').action(
    run(async (options: PoolOptions) => {
      const { listGroups } = await import('../commands/groups.ts')
      return listGroups(io, options)
    }),
  )
  poolVerb(groups, 'show', 'a group and its members')
    .argument('<group>', 'name or URI')
    .action(
      run(async (group: string, options: PoolOptions) => {
        const { showGroup } = await import('../commands/groups.ts')
        return showGroup(io, group, options)
      }),
    )
  listOptions(
    poolVerb(groups, 'set', 'change a group; what its members may do changes in the same moment')
      .argument('<group>', 'name or URI')
      .option('--name <name>', 'display name'),
    'member',
    'members',
  ).action(
    run(
      async (
        group: string,
        options: PoolOptions & { name?: string; addMember: string[]; removeMember: string[]; clearMembers: boolean },
      ) => {
        const { setGroup } = await import('../commands/groups.ts')
        return setGroup(io, group, options)
      },
    ),
  )
  poolVerb(groups, 'remove', 'remove a group, and whatever was granted to it')
    .argument('<group>', 'name or URI')
    .option('--yes', 'do not ask', false)
    .action(
      run(async (group: string, options: PoolOptions & { yes: boolean }) => {
        const { removeGroup } = await import('../commands/groups.ts')
        return removeGroup(io, group, options)
      }),
    )
}
