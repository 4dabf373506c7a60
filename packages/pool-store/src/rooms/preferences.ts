import type { Database, Knex } from '@hansard/sql'
import { isText } from '../lists/readable-rooms.ts'
import { lockPrincipal } from './followed-rooms.ts'

/** A bundle of text that a client stores in the pool. Versions count from 1; 0 means that there is no bundle. */
type Preference = { readonly version: number; readonly content: string }
type PutPreference =
  | { readonly outcome: 'put'; readonly version: number }
  /** the bundle is not at the version to be replaced */
  | { readonly outcome: 'conflict'; readonly version: number }
  | { readonly outcome: 'limit-exceeded'; readonly message: string }

export const PREFERENCE_LABELS_MAX = 200
/** of one bundle, in UTF-16 code units */
export const PREFERENCE_CHARACTERS_MAX = 131_072
/** of all bundles of one user, in stored bytes */
export const PREFERENCE_BYTES_MAX = 10 * 1_024 * 1_024

type Bundle = { readonly principalId: number; readonly label: string }

export async function findPreference(
  db: Database | Knex.Transaction,
  { principalId, label }: Bundle,
): Promise<Preference | undefined> {
  const knex = 'dialect' in db ? db.knex : db
  if (!isText(label)) return undefined
  const row: { version: number; content: string } | undefined = await knex('preference')
    .where({ principal_id: principalId, label })
    .first('version', 'content')
  return row && { version: row.version, content: JSON.parse(row.content) as string }
}

/** Replaces version `replaces` of a bundle; 0 creates it. The caller has checked the label. */
export async function putPreference(
  db: Database,
  { principalId, label, replaces, content }: Bundle & { replaces: number; content: string },
): Promise<PutPreference> {
  if (content.length > PREFERENCE_CHARACTERS_MAX) {
    return exceeded(`A bundle of preferences may have at most ${PREFERENCE_CHARACTERS_MAX} characters.`)
  }
  // A JSON string literal preserves every text a client may send, U+0000 and lone surrogates included.
  const literal = JSON.stringify(content)
  return db.knex.transaction(async (tx) => {
    await lockPrincipal(db, tx, principalId)
    const version = (await findPreference(tx, { principalId, label }))?.version ?? 0
    if (version !== replaces) return { outcome: 'conflict', version }
    const bytes = db.dialect === 'sqlite' ? 'length(cast(content as blob))' : 'octet_length(content)'
    const others: { labels: number | string; bytes: number | string | null } | undefined = await tx('preference')
      .where({ principal_id: principalId })
      .whereNot({ label })
      .first(tx.raw('count(*) as labels'), tx.raw(`sum(${bytes}) as bytes`))
    if (Number(others?.labels) >= PREFERENCE_LABELS_MAX) {
      return exceeded(`A user may keep ${PREFERENCE_LABELS_MAX} bundles of preferences.`)
    }
    if (Number(others?.bytes ?? 0) + Buffer.byteLength(literal) > PREFERENCE_BYTES_MAX) {
      return exceeded(`The preferences of a user may have at most ${PREFERENCE_BYTES_MAX} bytes in total.`)
    }
    await tx('preference')
      .insert({ principal_id: principalId, label, version: version + 1, content: literal })
      .onConflict(['principal_id', 'label'])
      .merge(['version', 'content'])
    return { outcome: 'put', version: version + 1 }
  })
}

function exceeded(message: string): PutPreference {
  return { outcome: 'limit-exceeded', message }
}
