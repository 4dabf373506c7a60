import type { Command } from 'commander'
import { json, type Verbs } from '../cli/verb.ts'
import type { KeyOptions } from './keys.ts'

/** The keys that sign session tokens. */
export function addKeysVerbs(program: Command, { io, run }: Verbs): void {
  const keys = program.command('keys').description('the keys that sign session tokens; they lie in no database')
  const keyVerb = (usage: string, description: string) =>
    json(keys.command(usage))
      .description(description)
      .option('--file <path>', 'the key file; that of HANSARD_TOKEN_KEY_FILE when absent')
      .option('--data <dir>', 'instead: the key file of a data directory')
  keyVerb('new', 'make a key file; one that exists is kept').action(
    run(async (options: KeyOptions) => {
      const { newKeys } = await import('./keys.ts')
      return newKeys(io, options)
    }),
  )
  keyVerb('rotate', 'put a new key in the place of the old one, whose tokens are accepted until they expire')
    .option('--compromised', 'somebody else may have the old key: do not accept it any more', false)
    .action(
      run(async (options: KeyOptions & { compromised: boolean }) => {
        const { rotateKeys } = await import('./keys.ts')
        return rotateKeys(io, options)
      }),
    )
  keyVerb('public', 'print the public part, for services that only verify tokens').action(
    run(async (options: KeyOptions) => {
      const { publicKeys } = await import('./keys.ts')
      return publicKeys(io, options)
    }),
  )
}
