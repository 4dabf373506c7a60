import { createReadStream } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { digestOf } from '@hansard/durable-file'
import { FileMissing, type Manifest, parseManifest, stemOfExportFile, verifySeries } from '@hansard/evidence'
import type { Database } from '@hansard/sql'
import { AdoptionRefused, lastSealed, rollCallTakenAt } from '@hansard/staging'
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
  /** by number, without a gap after the last export that the database knows as sealed */
  readonly unknown: ReadonlyMap<number, SealedOnDisk>
  /** the last source progress before the directory was read */
  readonly rollCallTakenAt: number
}

/**
 * Reads which exports an adapter's directory holds that the database does not know as sealed, and verifies them.
 *
 * There are some after a crash between writing the manifest and recording it, and after the database was restored
 * from a backup. In both cases they are evidence: somebody may have archived them. Throws `AdoptionRefused`, which
 * names the file and the remedy, when they do not continue the series that the database has.
 */
export async function readSealedOnDisk(
  db: Database,
  { adapter, pool, directory }: { adapter: string; pool: string; directory: string },
): Promise<DiskState> {
  const state = { directory, rollCallTakenAt: await rollCallTakenAt(db) }
  const last = await lastSealed(db, adapter)
  const names = await namesIn(directory)
  const manifests = names.filter((name) => {
    const parsed = parseManifestName(name)
    if (parsed?.number !== undefined) return parsed.number > (last?.newest.number ?? 0)
    return parsed !== undefined && parsed.startsAt >= (last?.intervalEndsAt ?? 0)
  })
  if (manifests.length === 0) return { ...state, unknown: new Map() }

  const unknown = new Map<number, SealedOnDisk>()
  for (const file of manifests) {
    const manifest = await readManifest(directory, file)
    if (manifest.pool !== pool || manifest.adapter.name !== adapter)
      throw refused(directory, file, `belongs to the pool ${manifest.pool}, adapter ${manifest.adapter.name}`)
    const { number, kind, interval } = manifest
    unknown.set(number, { number, kind, startsAt: interval.startMs, endsAt: interval.endMs, file })
  }
  const known = last && names.includes(last.newest.manifestName ?? '') ? last.newest.manifestName! : undefined
  if (known !== undefined && (await digestOf(join(directory, known)))?.sha256 !== last!.newest.manifestSha256)
    throw refused(directory, known, 'is not the file that the database has as sealed')
  await verify({ directory, names, manifests: known === undefined ? manifests : [known, ...manifests] })

  const next = (last?.newest.number ?? 0) + 1
  const first = unknown.get(next)
  if (!first) {
    const [found] = [...unknown.values()].sort((a, b) => a.number - b.number)
    throw refused(directory, found!.file, `has number ${found!.number}, and number ${next} is not there`)
  }
  const { previousManifestSha256 } = await readManifest(directory, first.file)
  if (previousManifestSha256 !== (last?.newest.manifestSha256 ?? null))
    throw refused(directory, first.file, `does not follow the export ${next - 1} that the database has as sealed`)
  return { ...state, unknown }
}

/** Reads a manifest. Throws `AdoptionRefused` when it is not one. */
export async function readManifest(directory: string, file: string): Promise<Manifest> {
  const parsed = parseManifest(await readFile(join(directory, file), 'utf8'))
  if (parsed.outcome !== 'parsed') throw refused(directory, file, `cannot be adopted: ${parsed.reason}`)
  return parsed.manifest
}

/** Why an export on disk is not adopted, and what to do. */
export function refused(directory: string, file: string, why: string): AdoptionRefused {
  return new AdoptionRefused(
    `${join(directory, file)} ${why}. Nothing is overwritten, and this adapter waits. ` +
      'Keep a copy of the directory, then bring the right files back, or move this export and all later ones elsewhere.',
  )
}

/** Verifies these exports alone: the database vouches for those before, and a series may have years of them. */
async function verify({
  directory,
  names,
  manifests,
}: {
  directory: string
  names: readonly string[]
  manifests: readonly string[]
}): Promise<void> {
  const stems = new Set(manifests.map(stemOfExportFile))
  const report = await verifySeries({
    name: '.',
    files: names.filter((name) => stems.has(stemOfExportFile(name))),
    read: (file) => readFileOf(directory, file),
  })
  // A run that died with other settings leaves files that no manifest lists. They are evidence of nothing.
  const [finding] = report.findings.filter(({ what }) => what !== 'file-unlisted')
  const [unreadable] = report.unreadable
  const wrong = finding ?? unreadable
  if (wrong) throw refused(directory, wrong.file ?? manifests.at(-1)!, `does not verify (${wrong.message})`)
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
