import { ChangeUserRequest, ListUsersQuery, NewUser } from '@hansard/admin-contract'
import type { Command } from 'commander'
import { type GivenOptions, schemaOptions } from '../cli/schema-options.ts'
import { onOff, type PoolOptions, poolVerb, type Verbs } from '../cli/verb.ts'
import { CHANGE_USER_TEXTS, LIST_USERS_TEXTS, NEW_USER_TEXTS } from './user-texts.ts'
import type { AddUsersOptions, SetUserOptions } from './users.ts'

export function addUsersVerbs(program: Command, { io, run }: Verbs): void {
  const users = program.command('users').description('accounts')
  const add = poolVerb(users, 'add', 'add accounts; each is given a key to sign in with, told once')
    .argument('<account...>')
    .option('--password', 'a password instead: typed, or from HANSARD_PASSWORD', false)
    .option('--partner', 'of another organisation', false)
  schemaOptions(add, NewUser, { texts: NEW_USER_TEXTS }).action(
    run(async (accounts: string[], options: AddUsersOptions) => {
      const { addUsers } = await import('./users.ts')
      return addUsers(io, accounts, options)
    }),
  )
  schemaOptions(poolVerb(users, 'list', 'accounts, all or those that fit'), ListUsersQuery, {
    texts: LIST_USERS_TEXTS,
  }).action(
    run(async (options: PoolOptions & GivenOptions) => {
      const { listUsers } = await import('./users.ts')
      return listUsers(io, options)
    }),
  )
  poolVerb(users, 'show', 'an account: roles, groups, whether it may use the pool')
    .argument('<account>', 'account or URI')
    .action(
      run(async (account: string, options: PoolOptions) => {
        const { showUser } = await import('./users.ts')
        return showUser(io, account, options)
      }),
    )
  const set = poolVerb(users, 'set', 'change an account; who is disabled is signed out in the same moment')
    .argument('<account>', 'account or URI')
    .addOption(onOff('--partner <on|off>', 'of another organisation'))
  schemaOptions(set, ChangeUserRequest, { texts: CHANGE_USER_TEXTS }).action(
    run(async (account: string, options: SetUserOptions) => {
      const { setUser } = await import('./users.ts')
      return setUser(io, account, options)
    }),
  )
  poolVerb(users, 'sign-out', 'end all sessions of an account; its password or key stays')
    .argument('<account>', 'account or URI')
    .action(
      run(async (account: string, options: PoolOptions) => {
        const { signOutUser } = await import('./users.ts')
        return signOutUser(io, account, options)
      }),
    )
  poolVerb(users, 'passwd', 'give an account a new password: typed, or from HANSARD_PASSWORD')
    .argument('<account>')
    .action(
      run(async (account: string, options: PoolOptions) => {
        const { setPassword } = await import('./users.ts')
        return setPassword(io, account, options)
      }),
    )
}
