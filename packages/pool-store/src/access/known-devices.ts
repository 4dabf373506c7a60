import { hash } from 'node:crypto'
import { isKeyShaped, newKey } from '@hansard/credentials'
import { type Database, groupedTransaction, type Knex } from '@hansard/sql'

/**
 * Devices on which an account was signed in to with the right password. A device keeps a token of 256 random bits that
 * it was given then; here lies its hash. The token lets nobody in: it says whose wrong guesses are counted apart.
 */
const DEVICES_MAX = 20
/** When a device was last used is noted so often. */
const NOTE_EVERY_MS = 24 * 60 * 60_000

/** The hash of a device token, when the account was used on that device before. */
export async function findKnownDevice(
  db: Database,
  { token, principalId, now }: { token: string | undefined; principalId: number | undefined; now: number },
): Promise<string | undefined> {
  if (token === undefined || !isKeyShaped(token)) return undefined
  const tokenHash = hash('sha256', token, 'base64url')
  // Asked for an unknown account too: the time of an answer does not tell that it is unknown.
  const known: { used_at: number } | undefined = await db
    .knex('known_device')
    .where({ token_hash: tokenHash, principal_id: principalId ?? -1 })
    .first('used_at')
  if (!known) return undefined
  if (now - known.used_at >= NOTE_EVERY_MS)
    await db.knex('known_device').where({ token_hash: tokenHash }).update({ used_at: now })
  return tokenHash
}

/** Makes this device known; answers the token that it shows from now on. Of many, the longest unused is forgotten. */
export async function addKnownDevice(
  db: Database,
  { principalId, now }: { principalId: number; now: number },
): Promise<string> {
  const token = newKey()
  await groupedTransaction(db, async (tx) => {
    const newest = tx('known_device').where({ principal_id: principalId }).orderBy('used_at', 'desc')
    const kept: string[] = await newest.limit(DEVICES_MAX - 1).pluck('token_hash')
    await tx('known_device').where({ principal_id: principalId }).whereNotIn('token_hash', kept).delete()
    const tokenHash = hash('sha256', token, 'base64url')
    await tx('known_device').insert({ token_hash: tokenHash, principal_id: principalId, used_at: now })
  })
  return token
}

/** An account whose secret may have been in the wrong hands is known on no device. */
export async function forgetDevices(knex: Knex | Knex.Transaction, principalId: number): Promise<void> {
  await knex('known_device').where({ principal_id: principalId }).delete()
}
