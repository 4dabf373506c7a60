import type { Clock } from '@hansard/clock'
import {
  createTokenKeyFile,
  keyIdOf,
  newTokenKeys,
  type PublicTokenKey,
  readTokenKeys,
  signToken,
  type TokenKeyFile,
  TokenKeyProblem,
  type TokenKeySource,
  tokenKeysChangedAt,
  trustedKeys,
  verifyToken,
} from '@hansard/credentials'
import { coalesce } from '@hansard/lifecycle'
import { type Database, groupedTransaction } from '@hansard/sql'

/** Signs and verifies the tokens of sessions. */
export type TokenKeys = {
  /** Rejects with a `TokenKeyProblem` in a service that was given no private key. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>
  /** The claims of a genuine token, or undefined. Says nothing of whether it has expired. */
  verify(token: string): Promise<Record<string, unknown> | undefined>
}

/** A key that was put in its place, here or on another machine, is known after this. */
const REREAD_MS = 10_000
/** Tokens signed with made-up keys do not make a service read more often than this. */
const REREAD_UNKNOWN_MS = 1_000

/**
 * Opens the token keys of a service. What it trusts comes from its own key source; the pool database only carries public
 * keys from service to service, and one of those counts when a key that is trusted has endorsed it. A service with a
 * private key publishes what its file holds.
 *
 * The first service of a new pool makes the key file when there is none. A pool that has keys already is not given others:
 * its other services would not believe them.
 */
export async function openTokenKeys({
  db,
  clock,
  source,
  onError = () => {},
}: {
  db: Database
  clock: Clock
  source: TokenKeySource
  /** the file or the database could not be read again: the keys of before are kept */
  onError?: (error: unknown) => void
}): Promise<TokenKeys> {
  if ('file' in source && (await isMissing(source)) && (await publishedKeys(db)).length === 0)
    await createTokenKeyFile(source.file, newTokenKeys())
  let file: TokenKeyFile | undefined
  let changedAt: number | undefined
  let accepted: ReturnType<typeof trustedKeys>
  let readAt = 0

  const read = async () => {
    const seen = await tokenKeysChangedAt(source).catch(() => undefined)
    if (file === undefined || seen !== changedAt) {
      file = await readTokenKeys(source)
      changedAt = seen
      if (file.signing) await publish(db, file.trusted)
    }
    accepted = trustedKeys(file.trusted, await publishedKeys(db))
    readAt = clock.now()
  }
  await read()
  const reread = coalesce(async () => {
    // Also after a failure: a database that is away is not asked with every request.
    readAt = clock.now()
    await read().catch(onError)
  })
  const keepFresh = async () => {
    if (clock.now() - readAt >= REREAD_MS) await reread()
  }

  return {
    async sign(claims) {
      await keepFresh()
      if (!file?.signing) throw new TokenKeyProblem('This service has no private key to sign tokens with.')
      return signToken(claims, file.signing)
    },
    async verify(token) {
      const id = keyIdOf(token)
      if (id === undefined) return undefined
      await keepFresh()
      if (!accepted.has(id) && clock.now() - readAt >= REREAD_UNKNOWN_MS) await reread()
      const known = accepted.get(id)
      if (!known || (known.acceptedUntil !== undefined && known.acceptedUntil <= clock.now())) return undefined
      return verifyToken(token, known.key)
    },
  }
}

async function isMissing(source: { readonly file: string }): Promise<boolean> {
  return tokenKeysChangedAt(source).then(
    () => false,
    (error: NodeJS.ErrnoException) => error.code === 'ENOENT',
  )
}

async function publish(db: Database, keys: readonly PublicTokenKey[]): Promise<void> {
  await groupedTransaction(db, async (tx) => {
    for (const { id, publicKey, endorsement, acceptedUntil } of keys) {
      const row = {
        id,
        public_key: publicKey,
        endorsed_by: endorsement?.by ?? null,
        endorsement: endorsement?.signature ?? null,
        accepted_until: acceptedUntil ?? null,
      }
      await tx('token_key').insert(row).onConflict('id').ignore()
      // Whoever has an older file does not take back that the key was replaced.
      if (acceptedUntil !== undefined)
        await tx('token_key').where({ id, accepted_until: null }).update({ accepted_until: acceptedUntil })
    }
  })
}

async function publishedKeys(db: Database): Promise<readonly PublicTokenKey[]> {
  const rows: TokenKeyRow[] = await db.knex('token_key').orderBy('id').limit(PUBLISHED_MAX)
  return rows.map((row) => ({
    id: row.id,
    publicKey: row.public_key,
    endorsement:
      row.endorsed_by !== null && row.endorsement !== null
        ? { by: row.endorsed_by, signature: row.endorsement }
        : undefined,
    acceptedUntil: row.accepted_until ?? undefined,
  }))
}

const PUBLISHED_MAX = 1_000

type TokenKeyRow = {
  id: string
  public_key: string
  endorsed_by: string | null
  endorsement: string | null
  accepted_until: number | null
}
