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
  /** Rejects with a `TokenKeyProblem` in a service without a private key, or whose key was replaced and has ended. */
  sign(claims: Readonly<Record<string, unknown>>): Promise<string>
  /** The claims of a genuine token, or undefined. Does not check whether it has expired. */
  verify(token: string): Promise<Record<string, unknown> | undefined>
}

/** maximum delay until a service knows a key that was replaced, here or on another machine */
const REREAD_MS = 10_000
/** minimum time between two reads of the keys, even if tokens with invented keys arrive */
const REREAD_UNKNOWN_MS = 1_000

/**
 * Opens the token keys of a service. The root of trust is the service's own key source. The pool database only
 * carries public keys between services, and such a key is trusted only when a trusted key has endorsed it. A service
 * with a private key publishes the contents of its file.
 *
 * The first service of a new pool creates the key file if there is none. A pool that has keys does not get new ones
 * this way: its other services would not trust them.
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
  /** The file or the database could not be read again, and the previous keys are kept; or the key has ended. */
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
      const changed = await readTokenKeys(source)
      if (changed.signing) await publish(db, changed.trusted)
      // Only now: tokens of a key that is not published are refused elsewhere, and publishing is tried again.
      file = changed
      changedAt = seen
    }
    accepted = trustedKeys(file.trusted, await publishedKeys(db), clock.now())
    readAt = clock.uptime()
  }
  await read()
  const reread = coalesce(async () => {
    // Also after a failure: an unreachable database must not be queried with every request.
    readAt = clock.uptime()
    await read().catch(onError)
  })
  const keepFresh = async () => {
    if (clock.uptime() - readAt >= REREAD_MS) await reread()
  }

  return {
    async sign(claims) {
      await keepFresh()
      if (!file?.signing) throw new TokenKeyProblem('This service has no private key to sign tokens with.')
      const until = accepted.get(file.signing.id)?.acceptedUntil
      if (until !== undefined && until <= clock.now()) {
        const problem = new TokenKeyProblem(
          'The key of this service was replaced and its time has ended: give the service the new key file.',
        )
        onError(problem)
        throw problem
      }
      return signToken(claims, file.signing)
    },
    async verify(token) {
      const id = keyIdOf(token)
      if (id === undefined) return undefined
      await keepFresh()
      if (!accepted.has(id) && clock.uptime() - readAt >= REREAD_UNKNOWN_MS) await reread()
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
      // A service with an older file must not undo the replacement of a key.
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
