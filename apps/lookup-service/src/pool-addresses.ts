import type { Clock } from '@hansard/clock'
import { fileServices } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

/** A lookup service that has not reported for this long is no longer listed. */
const LOOKUP_EXPIRES_MS = 30_000
const FILES_EXPIRE_MS = 30_000
const FRESH_MS = 1_000

/** Addresses of the pool's lookup and file services, for the directory. */
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
      files = { at: clock.uptime(), urls: await fileServices(db, clock.now() - FILES_EXPIRE_MS) }
    } catch {
      // While the database is down, answer with the last known addresses.
      files = { ...files, at: clock.uptime() }
    }
    return files.urls
  }

  return {
    heard: (url) => void heardAt.set(url, clock.uptime()),
    lookups() {
      for (const [url, at] of heardAt) if (clock.uptime() - at > LOOKUP_EXPIRES_MS) heardAt.delete(url)
      return [...new Set([own(), ...heardAt.keys()])]
    },
    // Anybody may request the directory: read the database once a second at most.
    async files() {
      if (clock.uptime() - files.at <= FRESH_MS) return files.urls
      reading ??= read().finally(() => {
        reading = undefined
      })
      return reading
    },
  }
}
