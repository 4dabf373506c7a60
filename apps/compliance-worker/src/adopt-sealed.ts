import { createReadStream } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { digestOf } from '@hansard/durable-file'
import { hasIncarnations, type Manifest, nameOfSource, parseChainLine } from '@hansard/evidence'
import type { Database, Lease } from '@hansard/sql'
import {
  adoptExport,
  adoptInterval,
  type Export,
  type ExportFileRecord,
  type ExportSettings,
  getStylesheet,
  previousManifest,
  type SealedLines,
  sourcesOfInterval,
} from '@hansard/staging'
import { manifestFileOf } from './file-names.ts'
import { incompleteness } from './incompleteness.ts'
import { type DiskState, readManifest, refused, type SealedOnDisk } from './sealed-on-disk.ts'

/** Closes the interval with this number as the export on disk, and the addenda before it, have it. */
export async function adoptSealedInterval(
  db: Database,
  lease: Lease,
  { disk, sealed, number, now }: { disk: DiskState; sealed: SealedOnDisk; number: number; now: number },
): Promise<void> {
  const { directory, unknown } = disk
  const together = [sealed]
  for (let before = unknown.get(sealed.number - 1); before?.kind === 'addendum'; ) {
    together.unshift(before)
    before = unknown.get(before.number - 1)
  }
  const manifest = await readManifest(directory, sealed.file)
  if (manifest.kind !== 'interval') throw refused(directory, sealed.file, 'is no interval')
  const lines = async function* () {
    for (const { file } of together) yield* linesOf(directory, await readManifest(directory, file))
  }
  const { startsAt, endsAt } = sealed
  await adoptInterval(db, lease, {
    interval: { number, startsAt, endsAt },
    sources: manifest.sources,
    lines: lines(),
    now,
  })
}

/** lines per batch, each of one source */
const BATCH = 400

async function* linesOf(directory: string, manifest: Manifest): AsyncGenerator<SealedLines> {
  const { kind } = manifest
  const chain = manifest.files.find((file) => file.role === 'chain')
  if (!chain) return
  type Line = { seq: number; leaf: string; quarantinedHead?: string | undefined }
  let open: { source: string; epoch: number; incarnation: string; lines: Line[] } | undefined
  const batch = ({ source, ...rest }: NonNullable<typeof open>): SealedLines => {
    return { file: chain.name, kind, source: decodeURIComponent(source), ...rest }
  }
  const incarnations = hasIncarnations(manifest.format)
  for await (const text of createInterface({ input: createReadStream(join(directory, chain.name)) })) {
    const parsed = parseChainLine(text, { incarnations })
    if (!parsed) throw refused(directory, chain.name, 'has a line that is none')
    const { escapedSource, epoch, incarnation = '', ...line } = parsed
    const same = open?.source === escapedSource && open.epoch === epoch && open.incarnation === incarnation
    if (open && (!same || open.lines.length === BATCH)) {
      yield batch(open)
      open = undefined
    }
    open ??= { source: escapedSource, epoch, incarnation, lines: [] }
    open.lines.push(line)
  }
  if (open) yield batch(open)
}

/**
 * Records a planned export as sealed with the files on disk. They have been verified; here they are compared with what
 * the database planned, so that nothing is in them twice and nothing is missing.
 */
export async function adoptSealedExport(
  { db, lease, pool, now, actor }: { db: Database; lease: Lease; pool: string; now: number; actor: string },
  { planned, directory, sealed }: { planned: Export; directory: string; sealed: SealedOnDisk },
): Promise<ExportFileRecord[]> {
  const { file } = sealed
  if (file !== manifestFileOf(planned))
    throw refused(directory, file, `has number ${planned.number}, which is due for ${manifestFileOf(planned)}`)
  const manifest = await readManifest(directory, file)
  const previousManifestSha256 = await previousManifest(db, planned)
  if (manifest.previousManifestSha256 !== previousManifestSha256)
    throw refused(directory, file, `does not follow the export ${planned.number - 1} that the database has as sealed`)
  const differs = await differenceFrom(db, planned, manifest)
  if (differs !== undefined) throw refused(directory, file, `has other events than the database: ${differs}`)
  const settings = settingsIn(manifest, { pool, directory })
  const digest = await digestOf(join(directory, file))
  if (!digest) throw refused(directory, file, 'has just disappeared')
  const { total } = manifest.counts
  const files: ExportFileRecord[] = [...manifest.files, { name: file, role: 'manifest', ...digest, events: total }]
  await adoptExport(db, lease, {
    exportId: planned.id,
    settings,
    // Without it the export cannot be rendered again; its files stay what they are.
    stylesheet: await getStylesheet(db, settings.stylesheetSha256).catch(() => undefined),
    files,
    events: total,
    previousManifestSha256,
    incomplete: incompleteness(manifest.pages),
    actor,
    object: `${planned.adapter}/${planned.number}`,
    now,
  })
  return files
}

/** The heads stand for all texts up to them: where they agree, the texts do. */
async function differenceFrom(db: Database, planned: Export, manifest: Manifest): Promise<string | undefined> {
  if (manifest.kind !== planned.kind) return `it is an ${manifest.kind}`
  const { startMs, endMs } = manifest.interval
  if (startMs !== planned.startsAt || endMs !== planned.endsAt) return 'it covers another time'
  if (manifest.kind === 'addendum') return planned.events > manifest.counts.total ? 'it has too few' : undefined
  const ours = (await sourcesOfInterval(db, planned.intervalNumber)).map(
    (s) => `${nameOfSource(s)} up to ${s.throughSeq} (${s.headThrough}) after ${s.headAfter}`,
  )
  const theirs = manifest.sources.map((s) => `${nameOfSource(s)} up to ${s.last} (${s.head}) after ${s.headBefore}`)
  const index = ours.findIndex((our, at) => our !== theirs[at])
  if (index === -1 && ours.length === theirs.length) return undefined
  return `the database has ${ours[index] ?? 'fewer sources'}`
}

function settingsIn(
  { adapter, options, format, pages, approval }: Manifest,
  { pool, directory }: { pool: string; directory: string },
): ExportSettings {
  const { type, profile, version, engine, stylesheetSha256 } = adapter
  const rendering = { adapter: type, profile, version, engine, stylesheetSha256, pool, options }
  return { ...rendering, directory, manifestFormat: format, comparesPages: pages !== undefined, approval }
}
