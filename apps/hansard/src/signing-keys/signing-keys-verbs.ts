import type { Command } from 'commander'
import { json, type Verbs } from '../cli/verb.ts'
import type { SigningKeyOptions } from './signing-keys.ts'

/** The key that signs pool manifests and checkpoints. */
export function addSigningKeysVerbs(program: Command, { io, run }: Verbs): void {
  const keys = program
    .command('signing-keys')
    .description('the key that signs pool manifests and checkpoints; it lies in no database')
  const keyVerb = (usage: string, description: string) =>
    json(keys.command(usage))
      .description(description)
      .option('--file <path>', 'the key file; that of HANSARD_SIGNING_KEY_FILE when absent')
      .option('--data <dir>', 'instead: the key file of a data directory')
  keyVerb('rotate', 'put a new key in the place of the old one, which signs it').action(
    run(async (options: SigningKeyOptions) => {
      const { rotateSigningKey } = await import('./signing-keys.ts')
      return rotateSigningKey(io, options)
    }),
  )
  keyVerb('public', 'print the public key, for `verify --key`').action(
    run(async (options: SigningKeyOptions) => {
      const { publicSigningKey } = await import('./signing-keys.ts')
      return publicSigningKey(io, options)
    }),
  )
}
