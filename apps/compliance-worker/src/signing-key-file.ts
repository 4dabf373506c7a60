import { open } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createSecretFile, replaceSecretFile } from '@hansard/durable-file'
import { poolOrigin } from '@hansard/evidence'
import {
  formatSigningKeys,
  formatVerifierKey,
  KeyProblem,
  newSigningKeys,
  parseSigningKeys,
  parseVerifierKey,
  type SigningKeys,
  successorsOf,
} from '@hansard/signing'
import type { Database } from '@hansard/sql'
import { signingKeyOnRecord, takeSigningKey } from '@hansard/staging'

/** Where a worker finds the key that it signs with. Plain data: it crosses into a thread. */
export type SigningKeySource = { readonly file: string } | { readonly text: string }

/** The name of the key file, where nobody chose another. */
export const SIGNING_KEY_FILE = 'signing-keys.json'

/** The settings that name the signing key of a worker that runs as its own process. */
export function signingKeySource(env: { optional(name: string): string | undefined }): SigningKeySource {
  const text = env.optional('HANSARD_SIGNING_KEY')
  if (text !== undefined) return { text }
  const state = env.optional('XDG_STATE_HOME') ?? join(homedir(), '.local', 'state')
  return { file: env.optional('HANSARD_SIGNING_KEY_FILE') ?? join(state, 'hansard', SIGNING_KEY_FILE) }
}

/**
 * The key that the worker signs with.
 *
 * The danger: a worker that finds no key file and makes one signs with a key that nobody has pinned, which looks like
 * a forgery. So the compliance database remembers the public key, and a file is made only for a pool without one. The
 * database is not trusted with more: it cannot make a verifier believe a key.
 */
export async function openSigningKeys(
  db: Database,
  { source, pool }: { source: SigningKeySource; pool: string },
): Promise<SigningKeys> {
  if ('file' in source && (await signingKeyOnRecord(db)) === undefined)
    await createSecretFile(source.file, formatSigningKeys(newSigningKeys(poolOrigin(pool))))
  const keys = await readSigningKeys(source)
  const own = formatVerifierKey(keys.signing.verifier)
  for (let attempt = 0; attempt < 3; attempt++) {
    const onRecord = await signingKeyOnRecord(db)
    if (onRecord === own) return keys
    if (onRecord !== undefined && !leadsTo(keys, onRecord, own))
      throw new KeyProblem(
        `${nameOf(source)} holds the key ${own}, and this pool's manifests are signed with ${onRecord}: copy the ` +
          'signing key file from another worker of the pool or from its backup.',
      )
    if (await takeSigningKey(db, { key: own, instead: onRecord })) return keys
  }
  throw new KeyProblem('The signing key of the pool changes all the time: stop the other workers and start again.')
}

/** Reads a key file. Refuses one that others than its owner may read or write. */
export async function readSigningKeys(source: SigningKeySource): Promise<SigningKeys> {
  let text: string
  if ('text' in source) text = source.text
  else {
    const { file } = source
    try {
      const handle = await open(file, 'r')
      try {
        const { mode } = await handle.stat()
        if ((mode & 0o077) !== 0)
          throw new KeyProblem(
            `${file} may be read or changed by others than its owner (mode ${(mode & 0o777).toString(8)}). It holds ` +
              `the private key that signs the record: run \`chmod 600 ${file}\`.`,
          )
        text = await handle.readFile('utf8')
      } finally {
        await handle.close()
      }
    } catch (error) {
      if (error instanceof KeyProblem) throw error
      const { code, message } = error as NodeJS.ErrnoException
      if (code !== 'ENOENT') throw new KeyProblem(`${file} cannot be read: ${message}`)
      throw new KeyProblem(
        `${file} does not exist, and the pool has a signing key: copy the file from another worker of the pool or ` +
          'from its backup.',
      )
    }
  }
  try {
    return parseSigningKeys(text)
  } catch (error) {
    if (error instanceof KeyProblem) throw new KeyProblem(`${nameOf(source)} ${error.message}`)
    throw error
  }
}

/** Puts other keys in the place of those in the file, at once or not at all. */
export function replaceSigningKeyFile(file: string, keys: SigningKeys): Promise<void> {
  return replaceSecretFile(file, formatSigningKeys(keys))
}

function leadsTo({ successions }: SigningKeys, onRecord: string, own: string): boolean {
  try {
    return successorsOf(parseVerifierKey(onRecord), successions).some((key) => formatVerifierKey(key) === own)
  } catch {
    return false
  }
}

function nameOf(source: SigningKeySource): string {
  return 'file' in source ? source.file : 'HANSARD_SIGNING_KEY'
}
