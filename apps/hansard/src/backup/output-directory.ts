import { join } from 'node:path'
import { digestOf } from '@hansard/durable-file'
import { MANIFEST_SUFFIX, POOL_DIRECTORY, stemOfPoolManifest } from '@hansard/evidence'
import { filesBelow } from './copy-tree.ts'

type Listed = { readonly name: string; readonly sha256: string }

/** The manifests in an output directory. Each stands for the files that it lists, with their hashes. */
export async function listManifests(directory: string | undefined): Promise<Listed[]> {
  const found: Listed[] = []
  for (const name of directory === undefined ? [] : await filesBelow(directory)) {
    const isOfPool = name.startsWith(`${POOL_DIRECTORY}/`) && stemOfPoolManifest(name.slice(POOL_DIRECTORY.length + 1))
    if (!name.endsWith(MANIFEST_SUFFIX) && !isOfPool) continue
    const digest = await digestOf(join(directory!, name))
    if (digest) found.push({ name, sha256: digest.sha256 })
  }
  return found
}

/** Those that were there when the backup was made, and are not there as they were. */
export async function missingManifests(directory: string | undefined, listed: readonly Listed[]): Promise<string[]> {
  const missing: string[] = []
  for (const { name, sha256 } of listed) {
    const found = directory === undefined ? undefined : await digestOf(join(directory, name))
    if (found?.sha256 !== sha256) missing.push(name)
  }
  return missing
}
