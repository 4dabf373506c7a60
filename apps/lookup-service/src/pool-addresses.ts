import type { Clock } from '@hansard/clock'
import { fileServices } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

/** A lookup service that has not said for this long that it runs is not named any more. */
const LOOKUP_EXPIRES_MS = 30_000
const FILES_EXPIRE_MS = 30_000
const FRESH_MS = 1_000

/** Where the lookup and file services of the pool answer, for the directory. */
type PoolAddresses = {
  heard(lookupUrl: string): void
  lookups(): string[]
  files(): Promise<string[]>
}

export function createPoolAddresses({
  own,
  db,
  clock,
}: {
  own: () => string
  db: Database
  clock: Clock
}): PoolAddresses {
  const heardAt = new Map<string, number>()
  let files: { readonly at: number; readonly urls: string[] } = { at: Number.NEGATIVE_INFINITY, urls: [] }
  let reading: Promise<string[]> | undefined

  const read = async () => {
    try {
      files = { at: clock.now(), urls: await fileServices(db, clock.now() - FILES_EXPIRE_MS) }
    } catch {
      // The directory is answered while the database is away, with what was last known.
      files = { ...files, at: clock.now() }
    }
    return files.urls
  }

  return {
    heard: (url) => void heardAt.set(url, clock.now()),
    lookups() {
      for (const [url, at] of heardAt) if (clock.now() - at > LOOKUP_EXPIRES_MS) heardAt.delete(url)
      return [...new Set([own(), ...heardAt.keys()])]
    },
    // Anybody may ask for the directory: the database is read once a second at most.
    async files() {
      if (clock.now() - files.at <= FRESH_MS) return files.urls
      reading ??= read().finally(() => {
        reading = undefined
      })
      return reading
    },
  }
}
