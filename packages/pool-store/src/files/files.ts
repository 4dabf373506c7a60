import type { Knex } from '@hansard/sql'

/**
 * Files: what was announced, its state, and the name under which its bytes are stored.
 *
 * `uploading`: a token was issued, and bytes may be arriving. `kept`: on record, with its bytes in the pool's file
 * store and in the compliance file store. `quarantined`: the scanner found something; its bytes are isolated.
 * `expired`: not completed in time. `deleted`: kept once; its bytes were removed when retention ended. A `kept` file
 * whose bytes are marked as removed came with an import that lacked them; they may still be supplied.
 *
 * A file leaves `uploading` once and for good, in one conditional update. A second attempt changes nothing and reads
 * the resulting state. So no upload is completed twice, and none is swept away while it is being completed.
 */
type FileState = 'uploading' | 'kept' | 'quarantined' | 'expired' | 'deleted'
export type PoolFile = {
  readonly id: string
  readonly roomId: number
  readonly principalId: number
  /** made safe to display and to save under */
  readonly fileName: string
  /** exactly as the user called it; undefined for files announced before that was kept */
  readonly givenName: string | undefined
  readonly storedName: string
  /** bytes */
  readonly size: number
  readonly sha256: string | undefined
  readonly state: FileState
  readonly createdAt: number
  /** for an upload: deadline */
  readonly expiresAt: number
}

export async function findFile(knex: Knex | Knex.Transaction, id: string): Promise<PoolFile | undefined> {
  const row: FileRow | undefined = await knex('file').where({ id }).first()
  return row && fileOf(row)
}

/** Ends an upload. False, without any change, when it had already ended. */
export async function endUpload(
  knex: Knex | Knex.Transaction,
  id: string,
  end:
    | { readonly state: 'kept'; readonly sha256: string; readonly at: number }
    | { readonly state: 'quarantined'; readonly sha256: string; readonly signature: string; readonly at: number },
): Promise<boolean> {
  const { at, ...rest } = end
  const ended = await knex('file')
    .where({ id, state: 'uploading' })
    .update({ ...rest, ended_at: at })
  return ended === 1
}

/** Expires the uploads that were not complete by `before`; returns how many. */
export async function expireUploads(knex: Knex, { before, now }: { before: number; now: number }): Promise<number> {
  return knex('file')
    .where({ state: 'uploading' })
    .andWhere('expires_at', '<', before)
    .update({ state: 'expired', ended_at: now })
}

/** Uploads that expired before `before` and whose bytes have not been removed yet. */
export async function expiredFiles(
  knex: Knex,
  { before, limit }: { before: number; limit: number },
): Promise<Pick<PoolFile, 'id' | 'storedName'>[]> {
  return knex('file')
    .where({ state: 'expired', bytes_removed: false })
    .andWhere('ended_at', '<', before)
    .orderBy('ended_at')
    .limit(limit)
    .select('id', 'stored_name as storedName')
}

export async function markBytesRemoved(knex: Knex, id: string): Promise<void> {
  await knex('file').where({ id }).update({ bytes_removed: true })
}

/** Those of the files that ended before `before`, in whatever state, except files whose bytes may still be arriving. */
export async function endedFiles(knex: Knex, ids: readonly string[], before: number): Promise<string[]> {
  const ended: string[] = []
  for (let from = 0; from < ids.length; from += BATCH) {
    const rows: { id: string }[] = await knex('file')
      .whereIn('id', ids.slice(from, from + BATCH))
      .whereNot({ state: 'uploading' })
      .whereNot((coming) => coming.where({ state: 'kept', bytes_removed: true }))
      .andWhere('ended_at', '<', before)
      .select('id')
    ended.push(...rows.map((row) => row.id))
  }
  return ended
}

/** Number of files in each state. */
export async function fileCounts(knex: Knex): Promise<Record<FileState, number>> {
  const counts = { uploading: 0, kept: 0, quarantined: 0, expired: 0, deleted: 0 }
  const rows: { state: FileState; files: number | string }[] = await knex('file')
    .groupBy('state')
    .select('state')
    .count('* as files')
  for (const row of rows) counts[row.state] = Number(row.files)
  return counts
}

/** Identity of the store that the pool uses; undefined before the first start of a file service. */
export async function fileStoreIdentity(knex: Knex, store: FileStoreName): Promise<string | undefined> {
  const row: { value: string } | undefined = await knex('pool_setting').where({ name: store }).first('value')
  return row?.value
}

/** Registers a store as the pool's, if it has none yet. */
export async function claimFileStore(knex: Knex, store: FileStoreName, identity: string): Promise<void> {
  await knex('pool_setting').insert({ name: store, value: identity }).onConflict('name').ignore()
}
export type FileStoreName = 'file-store' | 'compliance-file-store'

const BATCH = 400

type FileRow = {
  id: string
  room_id: number
  principal_id: number
  file_name: string
  given_name: string | null
  stored_name: string
  size: number
  sha256: string | null
  state: FileState
  created_at: number
  expires_at: number
}

function fileOf(row: FileRow): PoolFile {
  return {
    id: row.id,
    roomId: row.room_id,
    principalId: row.principal_id,
    fileName: JSON.parse(row.file_name) as string,
    givenName: row.given_name === null ? undefined : (JSON.parse(row.given_name) as string),
    storedName: row.stored_name,
    size: row.size,
    sha256: row.sha256 ?? undefined,
    state: row.state,
    createdAt: row.created_at,
    expiresAt: row.expires_at,
  }
}
