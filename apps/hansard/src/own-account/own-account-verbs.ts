import type { Command } from 'commander'
import { address, json, type Verbs } from '../cli/verb.ts'
import type { OwnAccountOptions } from './own-account.ts'

/** The caller's own password and sessions. */
export function addOwnAccountVerbs(program: Command, { io, run }: Verbs): void {
  address(json(program.command('password')))
    .description('change your own password: the old one and the new one are typed')
    .option('--account <name>', 'who you are')
    .addHelpText('after', '\nScripts set HANSARD_PASSWORD to the old password and HANSARD_NEW_PASSWORD to the new one.')
    .action(
      run(async (options: OwnAccountOptions) => {
        const { passwordCommand } = await import('./own-account.ts')
        return passwordCommand(io, options)
      }),
    )
  address(json(program.command('sign-out')))
    .description('end all sessions of your account, on every device')
    .option('--account <name>', 'who you are')
    .action(
      run(async (options: OwnAccountOptions) => {
        const { signOutCommand } = await import('./own-account.ts')
        return signOutCommand(io, options)
      }),
    )
}
