import type { FileStore, FileStores } from '@hansard/file-store'
import type { Database } from '@hansard/sql'
import { claimFileStore, type FileStoreName, fileStoreIdentity } from './files.ts'

/**
 * Checks that these are the pool's file stores. All servers of a pool use the same ones: the first to start registers
 * its stores, and every other store is refused. Rejects with `WrongStore`.
 */
export async function claimFileStores(db: Database, { files, complianceFiles }: FileStores): Promise<void> {
  await claim(db, 'file-store', files)
  await claim(db, 'compliance-file-store', complianceFiles)
}

async function claim(db: Database, name: FileStoreName, store: FileStore): Promise<void> {
  const identity = await store.identify(await fileStoreIdentity(db.knex, name))
  await claimFileStore(db.knex, name, identity)
  await store.identify(await fileStoreIdentity(db.knex, name))
}
