import { mkdir, realpath } from 'node:fs/promises'
import { sep } from 'node:path'
import { type FileStore, openFileStore } from './file-store.ts'

/** The stores of a pool: its own, and the one with the record's copies. */
export type FileStores = { readonly files: FileStore; readonly complianceFiles: FileStore }
export type FileStoreDirectories = { readonly directory: string; readonly complianceDirectory: string }

/** Opens the two file stores. Refuses one location for both: the record's copy must be elsewhere. */
export async function openFileStores({ directory, complianceDirectory }: FileStoreDirectories): Promise<FileStores> {
  const paths = [directory, complianceDirectory]
  for (const path of paths) await mkdir(path, { mode: 0o700 }).catch(unlessThere)
  const [own, compliance] = (await Promise.all(paths.map((path) => realpath(path)))) as [string, string]
  if (`${own}${sep}`.startsWith(`${compliance}${sep}`) || `${compliance}${sep}`.startsWith(`${own}${sep}`))
    throw new Error(`The file store and the compliance file store must be apart; ${own} and ${compliance} are not.`)
  return { files: await openFileStore(own), complianceFiles: await openFileStore(compliance) }
}

function unlessThere(error: NodeJS.ErrnoException): void {
  if (error.code !== 'EEXIST') throw error
}
