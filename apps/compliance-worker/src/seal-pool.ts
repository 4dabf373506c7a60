import { hash } from 'node:crypto'
import { lstat, mkdir } from 'node:fs/promises'
import { basename, dirname, join, relative } from 'node:path'
import type { Clock } from '@hansard/clock'
import { clearTemporaries, writeDurably } from '@hansard/durable-file'
import {
  encodePoolManifest,
  manifestInterval,
  POOL_DIRECTORY,
  POOL_MANIFEST_FORMAT,
  type PoolSeriesEntry,
  poolManifestStatement,
  treeLeaf,
} from '@hansard/evidence'
import type { Log } from '@hansard/log'
import {
  addLeaf,
  EMPTY_TREE,
  formatCheckpoint,
  formatVerifierKey,
  KeyProblem,
  leafHash,
  readSuccession,
  rootOf,
  type SigningKeys,
  signNote,
  type TreeFrontier,
} from '@hansard/signing'
import { assertLease, type Database, type Lease } from '@hansard/sql'
import {
  adoptPoolManifest,
  auditHead,
  type ClosedInterval,
  linesOfInterval,
  nextPoolManifest,
  type PlannedPoolManifest,
  type PoolSeries,
  planPoolManifest,
  recordPoolManifest,
  seriesAt,
  sourcesOfInterval,
} from '@hansard/staging'
import { PoolManifestRefused, poolManifestOnDisk } from './adopt-pool-manifest.ts'
import { stemOf } from './file-names.ts'

type PoolDeps = {
  readonly db: Database
  readonly lease: Lease
  readonly clock: Clock
  readonly log: Log
  readonly pool: string
  readonly outputDirectory: string
  readonly keys: SigningKeys
  /** who adopts, for the audit trail */
  readonly holder: string
  readonly signal: AbortSignal
}

/** How long an interval waits for an adapter before its pool manifest says that the adapter is not done. */
const WAIT_MS = 60_000
const INTERVALS_PER_RUN = 20

/**
 * Seals closed intervals for the pool as a whole: which series exist and how far each has come, where every source
 * stood, and the tree over all events, signed with a key that no database holds.
 *
 * The texts are recorded before the files are written, so a crash anywhere is followed by the same bytes. A file that
 * is there with other bytes is never replaced.
 */
export async function sealPool(deps: PoolDeps): Promise<'progress' | 'nothing'> {
  for (let sealed = 0; sealed < INTERVALS_PER_RUN; sealed++) {
    deps.signal.throwIfAborted()
    const next = await nextPoolManifest(deps.db)
    // An earlier run may have died while it wrote.
    if (next && 'planned' in next) await clearPoolTemporaries(deps)
    const planned = next && ('planned' in next ? next.planned : await plan(deps, next.interval, next.previous))
    if (!planned) return sealed > 0 ? 'progress' : 'nothing'
    if (planned === 'adopted') continue
    await writeFiles(deps, planned)
    await recordPoolManifest(deps.db, deps.lease, { number: planned.number, now: deps.clock.now() })
    deps.log.info({ interval: planned.number, leaves: planned.treeSize }, 'pool manifest and checkpoint sealed')
  }
  return 'progress'
}

/**
 * Undefined while adapters are still to seal the interval and have time to. `adopted`: it was sealed before the
 * database was restored, and is on record again.
 */
async function plan(
  deps: PoolDeps,
  interval: ClosedInterval,
  previous: PlannedPoolManifest | undefined,
): Promise<PlannedPoolManifest | 'adopted' | undefined> {
  const { db, lease, clock, outputDirectory, holder } = deps
  const series = await seriesAt(db, interval.number)
  const waitedMs = clock.now() - interval.closedAt
  // A clock that was set back makes the wait negative. Then there is no telling how long it was.
  const hasTime = waitedMs >= 0 && waitedMs < WAIT_MS
  if (series.some(({ active, behind }) => active && behind) && hasTime) return undefined
  const tree = await growTree(deps, interval, previous)
  const directory = join(outputDirectory, POOL_DIRECTORY)
  const stem = poolStemOf(interval)
  const onDisk = await poolManifestOnDisk(deps, { directory, stem }, { interval, previous, tree })
  if (onDisk === 'waits') {
    if (hasTime) return undefined
    throw new PoolManifestRefused(join(directory, `${stem}.json`), 'names exports that the database does not have')
  }
  if (onDisk) {
    await adoptPoolManifest(db, lease, { adopted: onDisk, actor: `worker:${holder}`, now: clock.now() })
    deps.log.warn({ interval: interval.number }, 'pool manifest adopted from disk')
    return 'adopted'
  }
  const planned = await textsOf(deps, { interval, previous, series, tree })
  const key = formatVerifierKey(deps.keys.signing.verifier)
  if (await planPoolManifest(db, lease, { planned, key, now: clock.now() })) return planned
  throw new KeyProblem('The signing key of the pool was replaced: start this worker again with the new key file.')
}

async function growTree(
  { db, signal }: PoolDeps,
  interval: ClosedInterval,
  previous: PlannedPoolManifest | undefined,
): Promise<TreeFrontier> {
  let tree: TreeFrontier = previous
    ? { size: previous.treeSize, roots: previous.treeRoots.map((root) => Buffer.from(root, 'hex')) }
    : EMPTY_TREE
  for await (const { source, epoch, incarnation, seq, leaf, head, kind } of linesOfInterval(db, interval)) {
    signal.throwIfAborted()
    const quarantinedHead = kind === null ? head : undefined
    const data = treeLeaf({ escapedSource: encodeURIComponent(source), epoch, incarnation, seq, leaf, quarantinedHead })
    tree = addLeaf(tree, leafHash(data))
  }
  return tree
}

async function textsOf(
  { db, pool, outputDirectory, keys }: PoolDeps,
  {
    interval,
    previous,
    series,
    tree,
  }: {
    interval: ClosedInterval
    previous: PlannedPoolManifest | undefined
    series: readonly PoolSeries[]
    tree: TreeFrontier
  },
): Promise<PlannedPoolManifest> {
  const { number } = interval
  const { verifier } = keys.signing
  const sources = await sourcesOfInterval(db, number)
  const audit = await auditHead(db)
  const root = rootOf(tree)
  const manifest = encodePoolManifest({
    format: POOL_MANIFEST_FORMAT,
    pool,
    number,
    interval: manifestInterval(interval),
    series: series.map((each) => entryOf(each, outputDirectory)),
    sources: sources.map(({ source, epoch, incarnation, state, throughSeq, headThrough }) => ({
      source,
      epoch,
      incarnation,
      state,
      last: throughSeq,
      head: headThrough,
    })),
    tree: { size: tree.size, root: Buffer.from(root).toString('base64') },
    ...(audit === undefined ? {} : { audit }),
    key: formatVerifierKey(verifier),
    previousPoolManifestSha256: previous?.manifestSha256 ?? null,
  })
  const stem = poolStemOf(interval)
  const manifestSha256 = hash('sha256', manifest, 'hex')
  const checkpoint = formatCheckpoint({ origin: verifier.name, size: tree.size, root })
  return {
    number,
    treeSize: tree.size,
    treeRoots: tree.roots.map((each) => Buffer.from(each).toString('hex')),
    manifestSha256,
    audit,
    files: [
      ...(isSignedWith(previous, keys) ? [] : publicKeyFiles(keys)),
      { name: `${stem}.checkpoint`, content: signNote(checkpoint, keys.signing) },
      {
        name: `${stem}.note`,
        content: signNote(poolManifestStatement(`${stem}.json`, manifestSha256), keys.signing),
      },
      // Last: it makes the others count.
      { name: `${stem}.json`, content: manifest },
    ],
  }
}

function poolStemOf({ number, startsAt, endsAt }: ClosedInterval): string {
  return `pool-${stemOf({ kind: 'interval', number, startsAt, endsAt })}`
}

function entryOf({ adapter, active, behind, newest }: PoolSeries, outputDirectory: string): PoolSeriesEntry {
  const below = newest && relative(outputDirectory, newest.directory)
  const isBelow = below !== undefined && below !== '' && below.split('/')[0] !== '..'
  return {
    adapter,
    directory: newest ? (isBelow ? below : newest.directory) : null,
    state: active ? 'active' : 'ended',
    complete: !behind,
    number: newest?.number ?? 0,
    manifest: newest?.manifest ?? null,
    sha256: newest?.sha256 ?? null,
  }
}

function isSignedWith(previous: PlannedPoolManifest | undefined, { signing }: SigningKeys): boolean {
  const manifest = previous?.files.at(-1)
  return manifest !== undefined && JSON.parse(manifest.content).key === formatVerifierKey(signing.verifier)
}

/** The public key, and each succession that led to it. */
function publicKeyFiles({ signing, successions }: SigningKeys): { name: string; content: string }[] {
  const { verifier } = signing
  return [
    { name: `keys/${verifier.id}.pub`, content: `${formatVerifierKey(verifier)}\n` },
    ...successions.map((content) => ({ name: `keys/${readSuccession(content)!.to.id}.succession`, content })),
  ]
}

/** The directory is made for the first interval only: later it is missing because a disk or a share is not mounted. */
async function writeFiles({ db, lease, outputDirectory }: PoolDeps, planned: PlannedPoolManifest): Promise<void> {
  await assertLease(db, lease)
  const directory = join(outputDirectory, POOL_DIRECTORY)
  if (planned.number === 1) await mkdir(join(directory, 'keys'), { recursive: true, mode: 0o750 })
  for (const { name, content } of planned.files) {
    const path = join(directory, name)
    await writeDurably(dirname(path), basename(path), content, {
      async beforeRename() {
        await assertLease(db, lease)
        // It is called only for bytes that are not there yet.
        if (await lstat(path).catch(() => undefined)) throw new PoolFileDiffers(path)
      },
    })
  }
}

async function clearPoolTemporaries({ db, lease, outputDirectory }: PoolDeps): Promise<void> {
  await assertLease(db, lease)
  const directory = join(outputDirectory, POOL_DIRECTORY)
  for (const each of [directory, join(directory, 'keys')])
    await clearTemporaries(each).catch((error: NodeJS.ErrnoException) => {
      // It died before there was a directory.
      if (error.code !== 'ENOENT') throw error
    })
}

/** Needs a person: the file was sealed before, with other bytes. */
class PoolFileDiffers extends Error {
  override name = 'PoolFileDiffers'
  constructor(path: string) {
    super(
      `${path} exists and is not what the compliance database would write there. It is not replaced: the database ` +
        'may be older than the output directory. Move the file away only when you know which of the two is right.',
    )
  }
}
