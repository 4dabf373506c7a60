import { randomUUID } from 'node:crypto'
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { writeDurably } from '@hansard/durable-file'
import { MANIFEST_SUFFIX, parseManifest } from '@hansard/evidence'
import { assertLease, type Database, type Lease } from '@hansard/sql'
import { directoryIdentity, hasSealedIn, recordDirectoryIdentity } from '@hansard/staging'

/** A leading dot: pickup programs that skip hidden files leave it where it is. */
export const IDENTITY_FILE = '.directory-id'

/** Needs a person: this is not the directory that the adapter has written to. Nothing is written there. */
class WrongDirectory extends Error {
  override name = 'WrongDirectory'
}

/**
 * Opens an adapter's output directory: checks that it is the one used so far, or makes it so when it is new.
 *
 * The danger is a share that is not mounted: its mount point is an empty directory that can be written to, and nobody
 * collects evidence there. So a directory carries a file with its identity, and the database knows that identity. The
 * directory is created for the adapter's first export only. One from before there were identities gets its own when it
 * has a manifest of this adapter. Returns the identity; `assertIdentity` checks it again before each file.
 */
export async function openDirectory(
  { db, lease, pool }: { db: Database; lease: Lease; pool: string },
  { adapter, directory, first }: { adapter: string; directory: string; first: boolean },
): Promise<string> {
  const known = await directoryIdentity(db, { adapter, directory })
  if (known === undefined && first) await mkdir(directory, { recursive: true, mode: 0o750 })
  const found = await readIdentity(directory)
  if (known !== undefined) {
    if (found !== known) throw notThere(directory, known, found)
    return known
  }
  if (found !== undefined) {
    const owner = ownerIn(found)
    if (owner?.pool !== pool || owner.adapter !== adapter) throw ofAnother(directory, owner)
    await recordDirectoryIdentity(db, lease, { adapter, directory, identity: found })
    return found
  }
  const identity = JSON.stringify({ pool, adapter, id: randomUUID() })
  const owner = await ownerOfManifests(directory)
  if (owner && (owner.pool !== pool || owner.adapter !== adapter)) throw ofAnother(directory, owner)
  if (!owner && (await hasSealedIn(db, { adapter, directory }))) throw notThere(directory, identity, undefined)
  await writeDurably(directory, IDENTITY_FILE, `${identity}\n`, { beforeRename: () => assertLease(db, lease) })
  await recordDirectoryIdentity(db, lease, { adapter, directory, identity })
  return identity
}

/** Throws `WrongDirectory` when the directory no longer has this identity. */
export async function assertIdentity(directory: string, identity: string): Promise<void> {
  const found = await readIdentity(directory)
  if (found !== identity) throw notThere(directory, identity, found)
}

type Owner = { readonly pool: string; readonly adapter: string }

async function readIdentity(directory: string): Promise<string | undefined> {
  try {
    return (await readFile(join(directory, IDENTITY_FILE), 'utf8')).trim()
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    // A missing directory has an error of its own.
    await readdir(directory)
    return undefined
  }
}

function ownerIn(identity: string): Owner | undefined {
  try {
    return JSON.parse(identity) as Owner
  } catch {
    return undefined
  }
}

/** Whose manifests are in the directory; undefined when there are none. */
async function ownerOfManifests(directory: string): Promise<Owner | undefined> {
  for (const name of await readdir(directory)) {
    if (!name.endsWith(MANIFEST_SUFFIX)) continue
    const parsed = parseManifest(await readFile(join(directory, name), 'utf8'))
    if (parsed.outcome === 'parsed') return { pool: parsed.manifest.pool, adapter: parsed.manifest.adapter.name }
  }
  return undefined
}

function notThere(directory: string, identity: string, found: string | undefined): WrongDirectory {
  const file = join(directory, IDENTITY_FILE)
  const what = found === undefined ? `${file} is missing` : `${file} is another one`
  return new WrongDirectory(
    `${what}: ${directory} is not the directory that this adapter has used so far. Nothing is written there. ` +
      'Mount its disk or share. Where a directory was moved or restored, its file moves with it; ' +
      `if the files are lost for good, accept the new directory by writing this line to it: ${identity}`,
  )
}

function ofAnother(directory: string, owner: Owner | undefined): WrongDirectory {
  const whose = owner ? `the pool ${owner.pool}, adapter ${owner.adapter}` : 'something else'
  return new WrongDirectory(
    `${directory} belongs to ${whose}. Nothing is written there. Give this adapter a directory of its own.`,
  )
}
