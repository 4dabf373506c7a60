import { join, resolve } from 'node:path'
import { systemClock } from '@hansard/clock'
import {
  createTokenKeyFile,
  formatTokenKeys,
  newTokenKeys,
  publicPart,
  readTokenKeys,
  replaceTokenKeyFile,
  rotateTokenKeys,
  TOKEN_KEY_FILE,
  tokenKeySource,
} from '@hansard/credentials'
import { refused } from '../cli/command-failure.ts'
import { answer, type ExitCode, type Io } from '../cli/io.ts'
import { utc } from '../cli/table.ts'

/** A key file: named, or that of a data directory, or the one that services of this user read. */
export type KeyOptions = {
  readonly file?: string | undefined
  readonly data?: string | undefined
  readonly json: boolean
}

/** Tokens of the old key live no longer than this, and a little more for clocks that differ. */
const TOKENS_LIVE_MS = 12 * 60 * 60_000 + 5 * 60_000

/** Makes a key file. One that is there stays as it is. */
export async function newKeys(io: Io, options: KeyOptions): Promise<ExitCode> {
  const file = keyFile(io, options)
  const keys = newTokenKeys()
  if ((await createTokenKeyFile(file, keys)) === 'kept')
    throw refused(`${file} exists.`, '`hansard keys rotate` puts a new key in the place of the one in it.')
  answer(io, options.json, { file, id: keys.signing!.id }, () => `${file} holds the new key ${keys.signing!.id}.\n`)
  return 0
}

/** Puts a new key in the place of the one that signs. Services notice within seconds; nobody has to sign in again. */
export async function rotateKeys(io: Io, options: KeyOptions & { compromised: boolean }): Promise<ExitCode> {
  const file = keyFile(io, options)
  const keys = await readTokenKeys({ file })
  const acceptedUntil = systemClock.now() + TOKENS_LIVE_MS
  const rotated = rotateTokenKeys(
    keys,
    options.compromised ? { compromised: true } : { acceptedUntil, now: systemClock.now() },
  )
  await replaceTokenKeyFile(file, rotated)
  const { id } = rotated.signing!
  answer(io, options.json, { file, id, ...(options.compromised ? {} : { acceptedUntil }) }, () =>
    options.compromised
      ? `${file} holds the new key ${id}. The old key is not accepted any more: everybody signs in again.\n` +
        'Give every other service of the pool this file, or its public part (`hansard keys public`), and restart it.\n'
      : `${file} holds the new key ${id}. Tokens of the old one are accepted until ${utc(acceptedUntil)}.\n` +
        'Services that have a copy of the file on another machine go on with the old key until they are given this one.\n',
  )
  return 0
}

/** Writes the public part, for services that verify tokens and do not issue them. */
export async function publicKeys(io: Io, options: KeyOptions): Promise<ExitCode> {
  io.stdout.write(formatTokenKeys(publicPart(await readTokenKeys({ file: keyFile(io, options) }))))
  return 0
}

function keyFile(io: Io, { file, data }: KeyOptions): string {
  if (file !== undefined) return resolve(file)
  if (data !== undefined) return join(resolve(data), TOKEN_KEY_FILE)
  const source = tokenKeySource(io.env)
  if ('text' in source)
    throw refused('HANSARD_TOKEN_KEY holds the key itself, which a command cannot replace.', 'Name a file with --file.')
  return source.file
}
