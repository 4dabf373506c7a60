import { endedFiles, expiredFiles, expireUploads, forgetFileTokens, markBytesRemoved } from '@hansard/pool-store'
import type { FileServiceDeps } from './deps.ts'

/** Longer than any request may take: whoever works on a file after this has been given up, and finds that out. */
const PATIENCE_FACTOR = 2
const TOKENS_KEPT_MS = 24 * 60 * 60 * 1_000
const BATCH = 100

/**
 * Takes away what nobody completed: uploads whose time is over, their bytes, and what dead processes left behind.
 *
 * Every file service sweeps, side by side: all of it may happen twice. First a file is given up, in the database, for good;
 * its bytes go only when every request that was under way then must be over. Nothing that is kept is ever touched: only the
 * pieces and copies it was made of are.
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
