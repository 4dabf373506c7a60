import {
  formatVerifierKey,
  isSame,
  parseCheckpoint,
  parseVerifierKey,
  rootOf,
  successorsOf,
  type VerifierKey,
} from '@hansard/signing'
import { auditWentBack } from './audit-heads.ts'
import type { PoolReport } from './findings.ts'
import {
  broken,
  type Check,
  cannotRead,
  type Found,
  newCheck,
  type PoolToVerify,
  readText,
  type SeriesInPool,
  signedText,
} from './pool-check.ts'
import {
  type PoolManifest,
  type PoolSeriesEntry,
  parsePoolManifest,
  poolManifestStatement,
  stemOfPoolManifest,
} from './pool-manifest.ts'
import type { EvidenceDirectory } from './read-evidence.ts'
import { verifyAnchors } from './verify-anchors.ts'
import { verifyTimeStamps } from './verify-time-stamps.ts'

/**
 * Verifies the pool manifests of one pool, and that its series are the ones that they name: whole, from their
 * beginning, up to where they were when the newest pool manifest was signed.
 */
export async function verifyPool(directory: EvidenceDirectory, options: PoolToVerify): Promise<PoolReport> {
  const check = newCheck(directory, options)
  const found = await findPoolManifests(check)
  await readKeys(check, found[0]?.manifest)
  reportLeftovers(check, found)
  for (const [index, one] of found.entries()) {
    isNextOf(check, one, found[index - 1])
    await verifySignatures(check, one, index === found.length - 1)
  }
  const newest = found.at(-1)
  const treeOf = newest ? verifySeriesOf(check, found) : []
  const anchors = await verifyAnchors(check, found)
  const timeStamps = await verifyTimeStamps(check, found)
  return {
    directory: directory.name,
    pool: newest?.manifest.pool ?? null,
    manifests: found.length,
    first: found[0]?.manifest.number ?? null,
    last: newest?.manifest.number ?? null,
    from: found[0]?.manifest.interval.start ?? null,
    to: newest?.manifest.interval.end ?? null,
    newestManifest: newest ? { file: newest.file, sha256: newest.sha256 } : null,
    checkpoint: newest ? { size: newest.manifest.tree.size, root: newest.manifest.tree.root } : null,
    trust: options.pinned ? 'pinned' : 'embedded',
    key: newest?.manifest.key ?? null,
    treeOf,
    unsignedExports: check.unsignedExports,
    anchors,
    timeStamps,
    findings: check.findings,
    unreadable: check.unreadable,
  }
}

async function findPoolManifests(check: Check): Promise<Found[]> {
  const { directory } = check
  const found: Found[] = []
  for (const file of directory.files.filter((name) => stemOfPoolManifest(name) !== undefined).sort()) {
    const read = await readText(directory, file)
    if (read.outcome === 'unreadable' || read.outcome === 'missing') {
      check.blind = true
      cannotRead(check, file, read.outcome === 'missing' ? 'it was there a moment ago' : read.reason)
      continue
    }
    const parsed = read.outcome === 'read' ? parsePoolManifest(read.text) : ({ outcome: 'altered' } as const)
    if (parsed.outcome === 'unknown') {
      check.blind = true
      cannotRead(check, file, 'its format is a later one')
    } else if (parsed.outcome === 'altered' || read.outcome !== 'read' || file !== nameOf(parsed.manifest)) {
      broken(check, { what: 'pool-manifest-altered', file, message: `${file} was altered` })
    } else found.push({ file, sha256: read.sha256, manifest: parsed.manifest })
  }
  return found.sort((a, b) => a.manifest.number - b.manifest.number)
}

function nameOf({ interval }: PoolManifest): string {
  const compact = (iso: string) => iso.replace(/[-:]/g, '').replace('.000', '')
  return `pool-${compact(interval.start)}_${compact(interval.end)}.json`
}

async function readKeys(check: Check, oldest: PoolManifest | undefined): Promise<void> {
  const { keys } = check
  const successions: string[] = []
  const published: VerifierKey[] = []
  for (const file of (keys?.files ?? []).toSorted()) {
    if (!/^[0-9a-f]{8}\.(pub|succession)$/.test(file)) continue
    const read = await readText(keys!, file)
    if (read.outcome === 'unreadable') cannotRead(check, `keys/${file}`, read.reason)
    if (read.outcome === 'read' && file.endsWith('.succession')) successions.push(read.text)
    if (read.outcome === 'read' && file.endsWith('.pub')) published.push(...parsedKey(read.text.replace(/\n$/, '')))
  }
  // Without a key of the caller's, the key of the oldest pool manifest is believed, if it was published.
  const start = check.pinned ?? published.find((key) => formatVerifierKey(key) === oldest?.key)
  if (!start) return
  check.current = successorsOf(start, successions)
  check.trusted = [...check.current, ...successorsOf(start, successions, { backwards: true })]
}

function parsedKey(text: string): VerifierKey[] {
  try {
    return [parseVerifierKey(text)]
  } catch {
    return []
  }
}

/** Notes, checkpoints and time stamps without their pool manifest. */
function reportLeftovers(check: Check, found: readonly Found[]): void {
  const known = new Set(check.directory.files)
  for (const file of check.directory.files.toSorted()) {
    const manifest = file.replace(/\.(note|checkpoint|tsr)$/, '.json')
    if (manifest === file || stemOfPoolManifest(manifest) === undefined || known.has(manifest)) continue
    // The json file is written after note and checkpoint, and before a time stamp. Of an interval after the newest one
    // it may be about to be.
    const newest = found.at(-1)?.file
    if (newest !== undefined && manifest > newest && !file.endsWith('.tsr')) continue
    broken(check, {
      what: 'pool-manifest-missing',
      file: manifest,
      message: `${manifest} is missing, and ${file} is there`,
    })
  }
}

function isNextOf(check: Check, { file, manifest }: Found, previous: Found | undefined): void {
  const { number, previousPoolManifestSha256: link, pool, interval, tree } = manifest
  const missing = (first: number) => {
    const last = number - 1
    const numbers = first === last ? `pool manifest ${first} is` : `pool manifests ${first} to ${last} are`
    if (check.blind) return cannotRead(check, file, `${numbers} missing, or in what could not be read`)
    broken(check, { what: 'pool-manifest-missing', file, message: `${numbers} missing before ${file}` })
  }
  if (!previous) {
    if (check.since === undefined && number > check.from) missing(check.from)
    if (check.since !== undefined && number > 1 && interval.startMs > check.since) {
      const message = `the pool manifests begin at ${interval.start}, after ${new Date(check.since).toISOString()}`
      broken(check, { what: 'range-missing', file, message })
    }
    if ((number === 1) !== (link === null))
      broken(check, { what: 'pool-manifest-chain', file, message: `${file}: only number 1 has none before it` })
    return
  }
  if (number <= previous.manifest.number) {
    const message = `${file} has number ${number}, as ${previous.file} has`
    return broken(check, { what: 'pool-manifest-chain', file, message })
  }
  if (number > previous.manifest.number + 1) return missing(previous.manifest.number + 1)
  const { manifest: before } = previous
  if (link !== previous.sha256) {
    const message = `${file} was made after another pool manifest than ${previous.file} is now`
    broken(check, { what: 'pool-manifest-chain', file, message })
  }
  if (pool !== before.pool || interval.startMs !== before.interval.endMs || tree.size < before.tree.size)
    broken(check, { what: 'pool-manifest-chain', file, message: `${file} does not continue ${previous.file}` })
  const wentBack = auditWentBack(manifest.audit, before.audit)
  if (wentBack) broken(check, { what: 'audit-trail', file, message: `${file}: ${wentBack}, by ${previous.file}` })
}

async function verifySignatures(check: Check, found: Found, isNewest: boolean): Promise<void> {
  const { file, sha256, manifest } = found
  const stem = stemOfPoolManifest(file)!
  const key = check.trusted.find((each) => formatVerifierKey(each) === manifest.key)
  if (!key || (isNewest && !check.current.some((each) => isSame(each, key)))) {
    const message = `${file} is signed with ${manifest.key}, which is not a key to trust here`
    return broken(check, { what: 'pool-signature', file, message })
  }
  const note = await signedText(check, `${stem}.note`, key)
  if (note !== undefined && note !== poolManifestStatement(file, sha256)) {
    const message = `${file} was altered: its SHA-256 is ${sha256}, and another was signed`
    broken(check, { what: 'pool-manifest-altered', file, message })
  }
  const text = await signedText(check, `${stem}.checkpoint`, key)
  if (text === undefined) return
  const { size, root } = manifest.tree
  const checkpoint = parseCheckpoint(text)
  const agrees =
    checkpoint?.origin === key.name &&
    checkpoint.size === size &&
    Buffer.from(checkpoint.root).toString('base64') === root
  if (!agrees) {
    const message = `${stem}.checkpoint is of another tree than ${file}`
    broken(check, { what: 'pool-tree', file: `${stem}.checkpoint`, message })
  }
}

/** Compares the series with the pool manifests, and returns the names of those that the tree was computed from. */
function verifySeriesOf(check: Check, found: readonly Found[]): string[] {
  const { manifest: oldest } = found[0]!
  const { manifest: newest, file } = found.at(-1)!
  const byAdapter = new Map<string, SeriesInPool[]>()
  for (const one of check.series) {
    const { pool, adapter } = one.report
    if (pool !== newest.pool || adapter === null) continue
    byAdapter.set(adapter, [...(byAdapter.get(adapter) ?? []), one])
  }
  const treeOf: string[] = []
  for (const entry of newest.series) {
    const parts = byAdapter.get(entry.adapter) ?? []
    byAdapter.delete(entry.adapter)
    if (entry.number === 0) continue
    verifyEntry(check, { entry, parts, file, newest, began: oldest.series.find(isOf(entry)), oldest: oldest.number })
    verifyEarlier(check, found, entry.adapter, parts)
    for (const part of parts) if (verifyTree(check, found, part, entry)) treeOf.push(part.report.series)
  }
  for (const [adapter, parts] of byAdapter) {
    const early = parts.some(({ exports }) =>
      exports.some(({ startMs }) => (startMs ?? Infinity) < newest.interval.endMs),
    )
    if (!early) check.unsignedExports += parts.reduce((sum, { exports }) => sum + exports.length, 0)
    else
      broken(check, { what: 'series-unknown', message: `${file} does not name the series ${adapter}, which is here` })
  }
  return treeOf
}

const isOf =
  ({ adapter }: PoolSeriesEntry) =>
  (other: PoolSeriesEntry): boolean =>
    other.adapter === adapter

function verifyEntry(
  check: Check,
  {
    entry,
    parts,
    file,
    newest,
    began,
    oldest,
  }: {
    entry: PoolSeriesEntry
    parts: readonly SeriesInPool[]
    file: string
    newest: PoolManifest
    began: PoolSeriesEntry | undefined
    oldest: number
  },
): void {
  const { adapter, directory, number, sha256 } = entry
  const exports = parts.flatMap((part) => part.exports)
  const isBlind = parts.some(({ report }) => report.unreadable.length > 0)
  const incomplete = (what: 'series-missing' | 'series-cut', message: string) => {
    if (!isBlind) return broken(check, { what, message })
    check.unreadable.push({ series: check.directory.name, message: `${message}, or in what could not be read` })
  }
  if (exports.length === 0) {
    if (directory?.startsWith('/') && !isBlind) {
      const message = `the series ${adapter} is in ${directory}, outside of what is verified here`
      check.unreadable.push({ series: check.directory.name, message })
      return
    }
    return incomplete('series-missing', `the series ${adapter} is missing: ${file} names its export ${number}`)
  }
  const at = exports.filter((each) => each.number === number)
  if (at.length === 0) {
    const last = Math.max(...exports.map((each) => each.number))
    const message = `the series ${adapter} is missing its export ${number}, which ${file} names; the newest here is ${last}`
    incomplete('series-cut', message)
  } else if (!at.some((each) => each.sha256 === sha256)) {
    const message = `export ${number} of ${adapter} is not the one that ${file} names`
    broken(check, { what: 'series-altered', export: number, message })
  }
  // An adapter that was added after the oldest pool manifest begins with its export 1, like all of a whole pool.
  const begin = oldest === 1 || !began || began.number === 0 ? 1 : began.number
  const first = exports.reduce((least, each) => Math.min(least, each.number), Infinity)
  if (first > begin) incomplete('series-cut', `the series ${adapter} begins with export ${first}, not with ${begin}`)
  const after = exports.filter((each) => each.number > number)
  const known = after.find(({ endMs }) => entry.complete && endMs !== undefined && endMs <= newest.interval.endMs)
  if (known) {
    const message = `export ${known.number} of ${adapter} should be known to ${file}, and is not`
    broken(check, { what: 'series-unknown', export: known.number, message })
  }
  check.unsignedExports += after.length
}

/** The exports that earlier pool manifests name. */
function verifyEarlier(check: Check, found: readonly Found[], adapter: string, parts: readonly SeriesInPool[]): void {
  const known = new Map<number, string[]>()
  for (const { number, sha256 } of parts.flatMap((part) => part.exports))
    known.set(number, [...(known.get(number) ?? []), sha256])
  for (const { file, manifest } of found.slice(0, -1)) {
    const entry = manifest.series.find((each) => each.adapter === adapter)
    const here = entry && known.get(entry.number)
    if (!here || here.includes(entry.sha256!)) continue
    const message = `export ${entry.number} of ${adapter} is not the one that ${file} names`
    return broken(check, { what: 'series-altered', export: entry.number, message })
  }
}

/** Compares the tree over the chain files with the signed ones. False where the series cannot show it. */
function verifyTree(
  check: Check,
  found: readonly Found[],
  { report, exports }: SeriesInPool,
  { adapter }: PoolSeriesEntry,
): boolean {
  const { manifest: oldest } = found[0]!
  const firstInterval = exports.find(({ startMs }) => startMs !== undefined)
  // Only a series that was there from the first interval on has all lines.
  if (oldest.number !== 1 || firstInterval?.startMs !== oldest.interval.startMs) return false
  const trees = new Map(exports.map(({ number, tree }) => [number, tree]))
  let compared = false
  for (const { file, manifest } of found) {
    const entry = manifest.series.find((each) => each.adapter === adapter)
    const tree = entry?.complete ? trees.get(entry.number) : undefined
    if (!tree) continue
    compared = true
    if (tree.size === manifest.tree.size && Buffer.from(rootOf(tree)).toString('base64') === manifest.tree.root)
      continue
    const message = `${file}: its tree is not the one over the events of ${report.series}`
    broken(check, { what: 'pool-tree', file, message })
    break
  }
  return compared
}
