import { type AdapterSetting, directoryOf } from '@hansard/adapter'
import type { Clock } from '@hansard/clock'
import type { Database, Lease } from '@hansard/sql'
import { AdoptionRefused, type CloseDecision, intervalReadiness, lastSealed, rollCallTakenAt } from '@hansard/staging'
import { adoptSealedInterval } from './adopt-sealed.ts'
import { type DiskState, readSealedOnDisk, refused, type SealedOnDisk } from './sealed-on-disk.ts'

type Read = { readonly token: number; readonly directory: string; readonly state: Promise<DiskState>; sealed: number }

type Given = { readonly db: Database; readonly clock: Clock; readonly pool: string; readonly outputDirectory: string }

/** A directory that cannot be read, be it a share that hangs, must not delay the other adapters for longer. */
const READ_MS_MAX = 10_000
/** How long numbers that are missing here may be on their way before they are taken from what is sealed. */
const PATIENCE_MS = 30_000

/**
 * What the adapters' directories hold that the database does not know. Read once while the lease is held, because
 * nobody else writes there meanwhile; and again after a failure, or when the database knows less than it did.
 */
export function createDiskStates({ db, clock, pool, outputDirectory }: Given) {
  const reads = new Map<string, Read>()
  let stalled: { readonly missing: number | undefined; readonly since: number } | undefined

  async function of(lease: Lease, setting: AdapterSetting): Promise<DiskState> {
    const directory = directoryOf(setting, outputDirectory)
    const adapter = setting.name
    const sealed = (await lastSealed(db, adapter))?.newest.number ?? 0
    let read = reads.get(adapter)
    if (!read || read.token !== lease.token || read.directory !== directory || read.sealed > sealed) {
      const state = readSealedOnDisk(db, { adapter, pool, directory })
      state.catch(() => {})
      read = { token: lease.token, directory, state, sealed }
      reads.set(adapter, read)
    }
    read.sealed = sealed
    return read.state
  }

  /** Closes the open interval as it is sealed on disk. `none`: it is not. `waits`: it is, and events may still come. */
  async function adoptNext(
    lease: Lease,
    settings: readonly AdapterSetting[],
    open: { readonly number: number; readonly startsAt: number; readonly endsAt: number },
  ): Promise<'none' | 'waits' | 'adopted'> {
    for (const setting of settings) {
      const late = new AbortController()
      // The adapter's own lane meets the same error, and reports it.
      const disk = await Promise.race([
        of(lease, setting).catch(() => undefined),
        clock.sleep(READ_MS_MAX, late.signal).then(() => undefined),
      ])
      late.abort()
      const sealed = disk && sealedAt(disk, open)
      if (!sealed) continue
      if ((await rollCallTakenAt(db)) <= disk.rollCallTakenAt) return 'waits'
      if (!mayAdopt(await intervalReadiness(db, sealed))) return 'waits'
      try {
        await adoptSealedInterval(db, lease, { disk, sealed, number: open.number, now: clock.now() })
        // What is missing has changed by what was adopted, not by what has arrived.
        if (stalled) stalled = { ...stalled, missing: undefined }
        return 'adopted'
      } catch (error) {
        if (!(error instanceof AdoptionRefused)) throw error
        refuse(setting.name, disk, sealed, error)
      }
    }
    return 'none'
  }

  /** The adapter's lane reports it and waits; the interval closes without this adapter's files. */
  function refuse(adapter: string, disk: DiskState, sealed: SealedOnDisk, error: AdoptionRefused): void {
    const read = reads.get(adapter)
    if (!read) return
    let from = sealed.number
    while (disk.unknown.get(from - 1)?.kind === 'addendum') from--
    const unknown = new Map([...disk.unknown].filter(([number]) => number < from))
    const problem = refused(disk.directory, sealed.file, `cannot be adopted: ${error.message}`, from)
    reads.set(adapter, { ...read, state: Promise.resolve({ ...disk, unknown, problem }) })
  }

  /** What the pool still has is staged first: the database then has the texts, and not only their hashes. */
  function mayAdopt(decision: CloseDecision): boolean {
    if (decision.close) return true
    const behind = decision.holding.filter(({ why }) => why === 'behind')
    if (behind.length === 0) return true
    const missing = behind.reduce((sum, held) => sum + held.missing, 0)
    const adopted = stalled !== undefined && stalled.missing === undefined
    if (stalled?.missing !== missing) stalled = { missing, since: adopted ? stalled!.since : clock.now() }
    const waitedMs = clock.now() - stalled.since
    return waitedMs < 0 || waitedMs >= PATIENCE_MS
  }

  return { of, forget: (adapter: string) => reads.delete(adapter), adoptNext }
}

function sealedAt(disk: DiskState, open: { number: number; startsAt: number }): SealedOnDisk | undefined {
  const intervals = [...disk.unknown.values()].filter(({ kind }) => kind === 'interval')
  // A database that has closed nothing yet may be new: then the record begins where the files do.
  if (open.number === 1) return intervals.sort((a, b) => a.number - b.number)[0]
  return intervals.find(({ startsAt }) => startsAt === open.startsAt)
}
