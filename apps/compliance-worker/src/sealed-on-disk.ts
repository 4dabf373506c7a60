import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '@hansard/durable-file'
import { FileMissing, type Manifest, parseManifest, stemOfExportFile, verifySeries } from '@hansard/evidence'
import type { Database } from '@hansard/sql'
import { AdoptionRefused, findExport, lastSealed, rollCallTakenAt } from '@hansard/staging'
import { parseManifestName } from './file-names.ts'

/** An export whose manifest is on disk and which the compliance database does not know as sealed. */
export type SealedOnDisk = {
  readonly number: number
  readonly kind: 'interval' | 'addendum'
  readonly startsAt: number
  readonly endsAt: number
  /** the manifest's name */
  readonly file: string
}

export type DiskState = {
  readonly directory: string
  /** by number, without a gap after the last export that the database knows as sealed; verified */
  readonly unknown: ReadonlyMap<number, SealedOnDisk>
  /** why what else is there cannot be adopted: no export after `unknown` may be written */
  readonly problem: AdoptionRefused | undefined
  /** the last source progress before the directory was read */
  readonly rollCallTakenAt: number
}

/**
 * Reads which exports an adapter's directory holds that the database does not know as sealed, and verifies them.
 *
 * There are some after a crash between writing the manifest and recording it, and after the database was restored
 * from a backup. In both cases they are evidence: somebody may have archived them. Those that continue the series that
 * the database has can be adopted, up to the first that does not verify.
 */
export async function readSealedOnDisk(
  db: Database,
  { adapter, pool, directory }: { adapter: string; pool: string; directory: string },
): Promise<DiskState> {
  const taken = await rollCallTakenAt(db)
  const last = await lastSealed(db, adapter)
  const names = await namesIn(directory)
  const found = new Map<number, SealedOnDisk & { readonly previous: string | null }>()
  let problem: Problem | undefined
  for (const file of names.filter((name) => isAfter(last, name)).sort()) {
    const parsed = parseManifest(await readFile(join(directory, file), 'utf8'))
    if (parsed.outcome !== 'parsed') {
      problem ??= { file, why: `cannot be adopted: ${parsed.reason}` }
      continue
    }
    const read = parsed.manifest
    if (read.pool !== pool || read.adapter.name !== adapter) {
      problem ??= { file, why: `belongs to the pool ${read.pool}, adapter ${read.adapter.name}` }
    } else {
      const { number, kind, interval, previousManifestSha256: previous } = read
      if (found.has(number)) problem ??= { file, why: `has number ${number}, as another has` }
      else found.set(number, { number, kind, startsAt: interval.startMs, endsAt: interval.endMs, file, previous })
    }
  }
  const unknown = new Map<number, SealedOnDisk>()
  const next = (last?.newest.number ?? 0) + 1
  for (let each = found.get(next); each; each = found.get(each.number + 1)) unknown.set(each.number, each)
  const first = found.get(next)
  if (first && first.previous !== (last?.newest.manifestSha256 ?? null)) {
    problem = { file: first.file, why: `does not follow the export ${next - 1} that the database has as sealed` }
    unknown.clear()
  }
  const [beyond] = [...found.values()].filter(({ number }) => !unknown.has(number)).sort((a, b) => a.number - b.number)
  if (beyond)
    problem ??= { file: beyond.file, why: `has number ${beyond.number}, and the exports before it are not there` }

  const wrong = await firstWrong({ directory, names, last, unknown })
  if (wrong) {
    for (const number of unknown.keys()) if (number >= wrong.number) unknown.delete(number)
    problem = wrong
  }
  for (let end = next + unknown.size - 1; unknown.get(end)?.kind === 'addendum'; end--) {
    // A crash between an addendum and its interval leaves the interval planned.
    if (await findExport(db, { adapter, number: end })) break
    problem ??= { file: unknown.get(end)!.file, why: 'is an addendum without the export that it was sealed with' }
    unknown.delete(end)
  }
  const from = next + unknown.size
  return {
    directory,
    rollCallTakenAt: taken,
    unknown,
    problem: problem && refused(directory, problem.file, problem.why, from),
  }
}

type Problem = { readonly file: string; readonly why: string }

type LastSealed = Awaited<ReturnType<typeof lastSealed>>

function isAfter(last: LastSealed, name: string): boolean {
  const parsed = parseManifestName(name)
  if (parsed?.number !== undefined) return parsed.number > (last?.newest.number ?? 0)
  return parsed !== undefined && parsed.startsAt >= (last?.intervalEndsAt ?? 0)
}

/** Reads a manifest. Throws `AdoptionRefused` when it is not one. */
export async function readManifest(directory: string, file: string): Promise<Manifest> {
  const parsed = parseManifest(await readFile(join(directory, file), 'utf8'))
  if (parsed.outcome !== 'parsed') throw refused(directory, file, `cannot be adopted: ${parsed.reason}`)
  return parsed.manifest
}

/** Why an export on disk is not adopted, and what to do. */
export function refused(directory: string, file: string, why: string, from?: number): AdoptionRefused {
  const these = from === undefined ? 'this export and all later ones' : `the exports from number ${from} on`
  return new AdoptionRefused(
    `${join(directory, file)} ${why}. Nothing is overwritten, and this adapter waits. ` +
      `Keep a copy of the directory, then bring the right files back, or move ${these} elsewhere.`,
  )
}

/**
 * Verifies the unknown exports after the newest one that the database has. It vouches for those before, and a series
 * may have years of them.
 */
async function firstWrong({
  directory,
  names,
  last,
  unknown,
}: {
  directory: string
  names: readonly string[]
  last: LastSealed
  unknown: ReadonlyMap<number, SealedOnDisk>
}): Promise<(Problem & { readonly number: number }) | undefined> {
  if (unknown.size === 0) return undefined
  const manifests = [...unknown.values()].map(({ file }) => file)
  const known = last?.newest.manifestName ?? ''
  if (names.includes(known) && (await digestOf(join(directory, known)))?.sha256 === last?.newest.manifestSha256)
    manifests.push(known)
  const stems = new Set(manifests.map(stemOfExportFile))
  const report = await verifySeries({
    name: '.',
    files: names.filter((name) => stems.has(stemOfExportFile(name))),
    read: (file) => readFileOf(directory, file),
  })
  const [lowest] = unknown.keys()
  const wrong = [
    // A run that died with other settings leaves files that no manifest lists. They are evidence of nothing.
    ...report.findings.filter(({ what }) => what !== 'file-unlisted'),
    ...report.unreadable,
  ]
    .map((each) => ({ ...each, number: each.export ?? lowest! }))
    .filter(({ number }) => number >= lowest!)
    .sort((a, b) => a.number - b.number)[0]
  if (!wrong) return undefined
  const file = wrong.file ?? unknown.get(wrong.number)?.file ?? manifests[0]!
  return { number: wrong.number, file, why: `does not verify (${wrong.message})` }
}

async function* readFileOf(directory: string, file: string): AsyncIterable<Uint8Array> {
  try {
    yield* createReadStream(join(directory, file)) as AsyncIterable<Uint8Array>
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') throw new FileMissing(file)
    throw error
  }
}

async function namesIn(directory: string): Promise<string[]> {
  try {
    return await readdir(directory)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return []
    throw error
  }
}
