import { open, stat } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createSecretFile, replaceSecretFile } from '@hansard/durable-file'
import { formatTokenKeys, parseTokenKeys, type TokenKeyFile, TokenKeyProblem } from './token-keys.ts'

/** Where a service finds its token keys: a file, which is read again when it changes, or a text that does not change. */
export type TokenKeySource = { readonly file: string } | { readonly text: string; readonly named: string }

/** The name of the key file, where nobody chose another. */
export const TOKEN_KEY_FILE = 'token-keys.json'

/** The settings that name the token keys of a service that runs as its own process. */
export function tokenKeySource(env: { optional(name: string): string | undefined }): TokenKeySource {
  const text = env.optional('HANSARD_TOKEN_KEY')
  if (text !== undefined) return { text, named: 'HANSARD_TOKEN_KEY' }
  const state = env.optional('XDG_STATE_HOME') ?? join(homedir(), '.local', 'state')
  return { file: env.optional('HANSARD_TOKEN_KEY_FILE') ?? join(state, 'hansard', TOKEN_KEY_FILE) }
}

/** Everybody but the owner: `rwx` of the group and of others. */
const OTHERS = 0o077
const OTHERS_WRITE = 0o022

/**
 * Reads the token keys. Refuses a file with a private key that others than its owner may read, and any file that others
 * may write: who can put a public key there is trusted like its owner.
 */
export async function readTokenKeys(source: TokenKeySource): Promise<TokenKeyFile> {
  if ('text' in source) return named(source.named, () => parseTokenKeys(source.text))
  const { file } = source
  let text: string
  let mode: number
  try {
    const handle = await open(file, 'r')
    try {
      mode = (await handle.stat()).mode
      text = await handle.readFile('utf8')
    } finally {
      await handle.close()
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    if (code === 'ENOENT')
      throw new TokenKeyProblem(
        `${file} does not exist, and the pool has token keys: copy the file from another machine of the pool, or make one ` +
          `with \`hansard keys new ${file}\` and copy it to all of them.`,
      )
    throw new TokenKeyProblem(`${file} cannot be read: ${message}`)
  }
  const keys = named(file, () => parseTokenKeys(text))
  const refused = mode & (keys.signing ? OTHERS : OTHERS_WRITE)
  if (refused === 0) return keys
  const what = keys.signing ? 'It holds the private key that signs tokens' : 'It says whose tokens are believed'
  throw new TokenKeyProblem(
    `${file} may be ${keys.signing ? 'read or changed' : 'changed'} by others than its owner ` +
      `(mode ${(mode & 0o777).toString(8)}). ${what}: run \`chmod ${keys.signing ? '600' : 'go-w'} ${file}\`.`,
  )
}

/** When the file changed last, or undefined for keys that are no file. */
export async function tokenKeysChangedAt(source: TokenKeySource): Promise<number | undefined> {
  return 'file' in source ? (await stat(source.file)).mtimeMs : undefined
}

/** Makes the key file when there is none; one that is there stays. Only its owner may read it. */
export function createTokenKeyFile(file: string, keys: TokenKeyFile): Promise<'created' | 'kept'> {
  return createSecretFile(file, formatTokenKeys(keys))
}

/** Puts other keys in the place of those in the file, at once or not at all. */
export function replaceTokenKeyFile(file: string, keys: TokenKeyFile): Promise<void> {
  return replaceSecretFile(file, formatTokenKeys(keys))
}

function named<T>(name: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    if (error instanceof TokenKeyProblem) throw new TokenKeyProblem(`${name} ${error.message}`)
    throw error
  }
}
