import { hash } from 'node:crypto'
import { isKeyShaped, newKey } from '@hansard/credentials'
import { type Database, groupedTransaction, type Knex } from '@hansard/sql'

/**
 * Devices on which an account was signed in to with the right password. A device keeps a token of 256 random bits
 * that it got then; only its hash is stored. The token grants no access: it only separates the failed attempts of
 * this device from those of others.
 */
const DEVICES_MAX = 20
/** how often the last use of a device is recorded */
const NOTE_EVERY_MS = 24 * 60 * 60_000

/** The hash of a device token, if the account was used on that device before. */
export async function findKnownDevice(
  db: Database,
  { token, principalId, now }: { token: string | undefined; principalId: number | undefined; now: number },
): Promise<string | undefined> {
  if (token === undefined || !isKeyShaped(token)) return undefined
  const tokenHash = hash('sha256', token, 'base64url')
  // Also queried for an unknown account, so that response time does not reveal that it is unknown.
  const known: { used_at: number } | undefined = await db
    .knex('known_device')
    .where({ token_hash: tokenHash, principal_id: principalId ?? -1 })
    .first('used_at')
  if (!known) return undefined
  if (now - known.used_at >= NOTE_EVERY_MS)
    await db.knex('known_device').where({ token_hash: tokenHash }).update({ used_at: now })
  return tokenHash
}

/**
 * Makes this device known; returns its token for later sign-ins. Above the limit, the least recently used device is
 * deleted.
 */
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

/** Call when the account's secret may have leaked: no device stays known. */
export async function forgetDevices(knex: Knex | Knex.Transaction, principalId: number): Promise<void> {
  await knex('known_device').where({ principal_id: principalId }).delete()
}
