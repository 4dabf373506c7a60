import { join, resolve } from 'node:path'
import { readSigningKeys, replaceSigningKeyFile, SIGNING_KEY_FILE, signingKeySource } from '@hansard/compliance-worker'
import { formatVerifierKey, replaceSigningKey } from '@hansard/signing'
import { refused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'

/** A key file: named, or that of a data directory, or the one that workers of this user read. */
export type SigningKeyOptions = {
  readonly file?: string | undefined
  readonly data?: string | undefined
  readonly json: boolean
}

/** Puts a new key in the place of the one that signs. Workers use it from their next start on. */
export async function rotateSigningKey(io: Io, options: SigningKeyOptions): Promise<ExitCode> {
  const source = keySource(io, options)
  if ('text' in source)
    throw refused(
      'HANSARD_SIGNING_KEY holds the key itself, which a command cannot replace.',
      'Name a file with --file.',
    )
  const old = await readSigningKeys(source)
  const next = replaceSigningKey(old)
  await replaceSigningKeyFile(source.file, next)
  const key = formatVerifierKey(next.signing.verifier)
  answer(io, options.json, { file: source.file, key, signedBy: formatVerifierKey(old.signing.verifier) }, () =>
    [
      `${source.file} holds the new key ${key}, signed with the old one.`,
      'Copy the file to every other worker of the pool and start the workers again. Give the new key to those who verify.',
      '',
    ].join('\n'),
  )
  return 0
}

/** Prints the public key. */
export async function publicSigningKey(io: Io, options: SigningKeyOptions): Promise<ExitCode> {
  const { signing } = await readSigningKeys(keySource(io, options))
  const key = formatVerifierKey(signing.verifier)
  answer(io, options.json, { key }, () => `${key}\n`)
  return 0
}

function keySource(io: Io, { file, data }: SigningKeyOptions) {
  if (file !== undefined) return { file: resolve(file) }
  return data === undefined ? signingKeySource(io.env) : { file: join(resolve(data), SIGNING_KEY_FILE) }
}
