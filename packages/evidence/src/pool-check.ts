import { isSignedBy, parseNote, type VerifierKey } from '@hansard/signing'
import type { Finding, SeriesReport, Unreadable } from './findings.ts'
import type { PoolManifest } from './pool-manifest.ts'
import { type EvidenceDirectory, readHashed } from './read-evidence.ts'
import type { SeenExport } from './verify-series.ts'

/** A series that lies beside or below the pool manifests' directory. */
export type SeriesInPool = { readonly report: SeriesReport; readonly exports: readonly SeenExport[] }

export type PoolToVerify = {
  /** all series below the directory that contains the directory of the pool manifests */
  readonly series: readonly SeriesInPool[]
  /** the contents of its directory `keys`, or undefined if there is none */
  readonly keys: EvidenceDirectory | undefined
  /** the key that the caller trusts; undefined: the one that comes with the package */
  readonly pinned: VerifierKey | undefined
  /** pool manifests before this number may be absent */
  readonly from: number
  /** milliseconds since 1970: pool manifests of intervals that ended before this time may be absent */
  readonly since?: number | undefined
  /** files that anchors have kept, or undefined: there is nothing to compare with */
  readonly anchors?: EvidenceDirectory | undefined
  /** undefined: time stamps are only counted */
  readonly checkTimeStamp?: CheckTimeStamp | undefined
}

/**
 * Whether the reply of a time-stamp authority is a time stamp of these bytes by an authority that the caller trusts.
 * `at`: what it says, in milliseconds since 1970; undefined: it is not one.
 */
export type CheckTimeStamp = (stamp: {
  readonly reply: Uint8Array
  readonly data: Uint8Array
}) => Promise<number | undefined>

const FILE_BYTES_MAX = 64 << 20

export type Found = { readonly file: string; readonly sha256: string; readonly manifest: PoolManifest }
export type Check = PoolToVerify & {
  readonly directory: EvidenceDirectory
  readonly findings: Finding[]
  readonly unreadable: Unreadable[]
  /** a pool manifest could not be read: what is missing may be in it */
  blind: boolean
  /** any pool manifest may be signed with these */
  trusted: VerifierKey[]
  /** the newest one must be signed with one of these */
  current: VerifierKey[]
  unsignedExports: number
}

export function newCheck(directory: EvidenceDirectory, options: PoolToVerify): Check {
  const state = { findings: [], unreadable: [], blind: false, trusted: [], current: [], unsignedExports: 0 }
  return { ...options, directory, ...state }
}

export function broken({ findings, directory }: Check, finding: Omit<Finding, 'series'>): void {
  findings.push({ series: directory.name, ...finding })
}

export function cannotRead({ unreadable, directory }: Check, file: string, reason: string): void {
  unreadable.push({ series: directory.name, file, message: `${file}: ${reason}` })
}

type NotRead =
  | { readonly outcome: 'missing' }
  | { readonly outcome: 'too-long' }
  | { readonly outcome: 'unreadable'; readonly reason: string }

/** The content of a file, or why there is none. */
export async function readBytes(
  directory: EvidenceDirectory,
  file: string,
): Promise<{ readonly outcome: 'read'; readonly bytes: Uint8Array; readonly sha256: string } | NotRead> {
  const chunks: Uint8Array[] = []
  let size = 0
  const read = await readHashed(directory, file, (bytes) => {
    size += bytes.length
    if (size <= FILE_BYTES_MAX) chunks.push(Uint8Array.from(bytes))
  })
  if (read.outcome !== 'read') return read
  if (size > FILE_BYTES_MAX) return { outcome: 'too-long' }
  return { outcome: 'read', bytes: Buffer.concat(chunks), sha256: read.sha256 }
}

/** The text of a file, or why there is none. */
export async function readText(
  directory: EvidenceDirectory,
  file: string,
): Promise<
  | { readonly outcome: 'read'; readonly text: string; readonly sha256: string }
  | { readonly outcome: 'not-text' }
  | Exclude<NotRead, { outcome: 'too-long' }>
> {
  const read = await readBytes(directory, file)
  if (read.outcome === 'too-long') return { outcome: 'not-text' }
  if (read.outcome !== 'read') return read
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(read.bytes)
    return { outcome: 'read', text, sha256: read.sha256 }
  } catch {
    return { outcome: 'not-text' }
  }
}

/** The text of a note that the key has signed, or undefined after a finding. */
export async function signedText(check: Check, file: string, key: VerifierKey): Promise<string | undefined> {
  const read = await readText(check.directory, file)
  if (read.outcome === 'unreadable') cannotRead(check, file, read.reason)
  else if (read.outcome === 'missing')
    broken(check, { what: 'pool-manifest-missing', file, message: `${file} is missing` })
  else {
    const note = read.outcome === 'read' ? parseNote(read.text) : undefined
    if (note && isSignedBy(note, key) === 'valid') return note.text
    broken(check, { what: 'pool-signature', file, message: `${file} does not have a valid signature` })
  }
  return undefined
}
