import { join } from 'node:path'
import type { Clock } from '@hansard/clock'
import { digestOf } from '@hansard/durable-file'
import type { Database, Lease } from '@hansard/sql'
import {
  beginFileCheck,
  type DamagedFile,
  type Export,
  fileCheck,
  filesOf,
  nextToCheck,
  recordFileCheck,
} from '@hansard/staging'

type CheckDeps = { readonly db: Database; readonly lease: Lease; readonly clock: Clock; readonly signal: AbortSignal }

/** Exports and bytes per step of a round: a step takes a moment, and the worker rests for seconds between two. */
const STEP = { exports: 50, bytes: 64 * 1_024 * 1_024 }
const DAMAGED_LISTED = 100

/** Whether a step of the scheduled check is due: a round is under way, or the last one began long enough ago. */
export async function isCheckDue(db: Database, now: number, everyMs: number): Promise<boolean> {
  if (everyMs === 0) return false
  const { startedAt, beforeExportId } = await fileCheck(db)
  // A start in the future means that the clock was set back.
  return beforeExportId !== null || now - startedAt >= everyMs || startedAt > now
}

/** One step of the scheduled check: sealed files, newest first, against their hashes. */
export async function checkStep({ db, lease, clock, signal }: CheckDeps): Promise<void> {
  let { beforeExportId: before } = await fileCheck(db)
  if (before === null) {
    await beginFileCheck(db, lease, clock.now())
    before = (await fileCheck(db)).beforeExportId!
  }
  await checkSome({ db, lease, clock, signal }, before)
}

/** A whole round, at once. */
export async function checkAll(
  deps: CheckDeps,
): Promise<{ files: number; damagedCount: number; damaged: readonly DamagedFile[] }> {
  const total = { files: 0, damagedCount: 0, damaged: [] as DamagedFile[] }
  await beginFileCheck(deps.db, deps.lease, deps.clock.now())
  for (let before = (await fileCheck(deps.db)).beforeExportId; before !== null; ) {
    const step = await checkSome(deps, before)
    total.files += step.files
    total.damagedCount += step.damaged.length
    total.damaged.push(...step.damaged.slice(0, DAMAGED_LISTED - total.damaged.length))
    before = step.before
  }
  return total
}

async function checkSome(
  { db, lease, clock, signal }: CheckDeps,
  from: number,
): Promise<{ files: number; damaged: DamagedFile[]; before: number | null }> {
  const found = await nextToCheck(db, from, STEP.exports)
  const checked: number[] = []
  const damaged: (DamagedFile & { exportId: number })[] = []
  let bytes = 0
  let files = 0
  for (const sealed of found) {
    if (bytes >= STEP.bytes) break
    signal.throwIfAborted()
    const { adapter, number, id: exportId, settings } = sealed
    const result = await damagedFilesOf(db, sealed)
    for (const { name, problem } of result.damaged)
      damaged.push({ adapter, number, directory: settings?.directory ?? '', name, problem, exportId })
    bytes += result.bytes
    files += result.files
    checked.push(exportId)
  }
  const complete = checked.length === found.length && found.length < STEP.exports
  const before = complete ? null : checked.at(-1)!
  await recordFileCheck(db, lease, { checked, damaged, before, now: clock.now() })
  return { files, damaged: damaged.map(({ exportId: _, ...each }) => each), before }
}

/** The files of a sealed export that are not on disk as they were sealed. */
export async function damagedFilesOf(
  db: Database,
  { id, settings }: Export,
): Promise<{ files: number; bytes: number; damaged: { name: string; problem: string }[] }> {
  const damaged: { name: string; problem: string }[] = []
  const files = await filesOf(db, id)
  let bytes = 0
  for (const { name, size, sha256 } of files) {
    bytes += size
    const problem = await problemOf(join(settings?.directory ?? '', name), { size, sha256 })
    if (problem !== undefined) damaged.push({ name, problem })
  }
  return { files: files.length, bytes, damaged }
}

async function problemOf(path: string, sealed: { size: number; sha256: string }): Promise<string | undefined> {
  try {
    const found = await digestOf(path)
    if (!found) return 'is missing'
    if (found.size !== sealed.size) return `has ${found.size} bytes, it was sealed with ${sealed.size}`
    return found.sha256 === sealed.sha256 ? undefined : `was altered: its SHA-256 is ${found.sha256}`
  } catch (error) {
    return `cannot be read (${(error as NodeJS.ErrnoException).code ?? (error as Error).message})`
  }
}
