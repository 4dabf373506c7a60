import { SIGN_IN_OUTCOMES } from '@hansard/rooms'
import type { Command } from 'commander'
import type { KeyOptions } from '../commands/keys.ts'
import type { OwnAccountOptions } from '../commands/own-account.ts'
import type { ListSignInsOptions } from '../commands/sign-ins.ts'
import { address, choice, DATES, json, moment, momentAfter, poolVerb, positive, type Verbs } from './verb.ts'

/** One's own password and sessions, who signed in, and the keys that sign tokens. */
export function addSignInVerbs(program: Command, { io, run }: Verbs): void {
  address(json(program.command('password')))
    .description('change your own password: the old one and the new one are typed')
    .option('--account <name>', 'who you are')
    .addHelpText('after', '\nScripts set HANSARD_PASSWORD to the old password and HANSARD_NEW_PASSWORD to the new one.')
    .action(
      run(async (options: OwnAccountOptions) => {
        const { passwordCommand } = await import('../commands/own-account.ts')
        return passwordCommand(io, options)
      }),
    )
  address(json(program.command('sign-out')))
    .description('end all sessions of your account, on every device')
    .option('--account <name>', 'who you are')
    .action(
      run(async (options: OwnAccountOptions) => {
        const { signOutCommand } = await import('../commands/own-account.ts')
        return signOutCommand(io, options)
      }),
    )

  const signIns = program.command('sign-ins').description('who signed in, and who could not')
  poolVerb(signIns, 'list', 'sign-ins, failures, and refusals for want of rights; newest first')
    .option('--account <name>', 'only of this account, as it was typed')
    .addOption(choice('--outcome <outcome>', 'only these', SIGN_IN_OUTCOMES))
    .option('--from <time>', DATES.from, moment)
    .option('--to <time>', DATES.through, momentAfter)
    .option('--limit <n>', 'so many at most', positive, 100)
    .action(
      run(async (options: ListSignInsOptions) => {
        const { listSignIns } = await import('../commands/sign-ins.ts')
        return listSignIns(io, options)
      }),
    )

  const keys = program.command('keys').description('the keys that sign session tokens; they lie in no database')
  const keyVerb = (usage: string, description: string) =>
    json(keys.command(usage))
      .description(description)
      .option('--file <path>', 'the key file; that of HANSARD_TOKEN_KEY_FILE when absent')
      .option('--data <dir>', 'instead: the key file of a data directory')
  keyVerb('new', 'make a key file; one that exists is kept').action(
    run(async (options: KeyOptions) => {
      const { newKeys } = await import('../commands/keys.ts')
      return newKeys(io, options)
    }),
  )
  keyVerb('rotate', 'put a new key in the place of the old one, whose tokens are accepted until they expire')
    .option('--compromised', 'somebody else may have the old key: do not accept it any more', false)
    .action(
      run(async (options: KeyOptions & { compromised: boolean }) => {
        const { rotateKeys } = await import('../commands/keys.ts')
        return rotateKeys(io, options)
      }),
    )
  keyVerb('public', 'print the public part, for services that only verify tokens').action(
    run(async (options: KeyOptions) => {
      const { publicKeys } = await import('../commands/keys.ts')
      return publicKeys(io, options)
    }),
  )
}
