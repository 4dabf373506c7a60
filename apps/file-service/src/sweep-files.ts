import { endedFiles, expiredFiles, expireUploads, forgetFileTokens, markBytesRemoved } from '@hansard/pool-store'
import type { FileServiceDeps } from './deps.ts'

/**
 * Longer than any request may take: a request that works on a file after this finds out that the file was abandoned.
 */
const PATIENCE_FACTOR = 2
const TOKENS_KEPT_MS = 24 * 60 * 60 * 1_000
const BATCH = 100

/**
 * Deletes what nobody completed: expired uploads, their bytes, and leftovers of dead processes.
 *
 * Every file service sweeps concurrently; every step may happen twice. First an upload is marked abandoned in the
 * database, permanently. Its bytes are deleted only after every request that was running then must be over. Stored
 * files are never touched, only the pieces and copies they were made of.
 */
export async function sweepFiles(deps: FileServiceDeps): Promise<'again' | 'pause'> {
  const { db, clock, files, complianceFiles, config, log } = deps
  const now = clock.now()
  const before = now - PATIENCE_FACTOR * config.transferMs
  const expired = await expireUploads(db.knex, { before, now })
  if (expired > 0) log.info({ expired }, 'uploads were not completed in time')

  const gone = await expiredFiles(db.knex, { before, limit: BATCH })
  for (const { id, storedName } of gone) {
    for (const store of [files, complianceFiles]) {
      await store.discard(id)
      await store.remove(storedName)
    }
    await markBytesRemoved(db.knex, id)
  }
  for (const store of [files, complianceFiles]) {
    for (const id of await endedFiles(db.knex, await store.incomingIds(), before)) await store.discard(id)
  }
  await forgetFileTokens(db.knex, now - TOKENS_KEPT_MS)
  return gone.length === BATCH ? 'again' : 'pause'
}
