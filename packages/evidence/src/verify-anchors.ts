import { isSignedBy, parseCheckpoint, parseNote, type VerifierKey } from '@hansard/signing'
import type { AnchorsReport } from './findings.ts'
import { broken, type Check, cannotRead, type Found, readText } from './pool-check.ts'
import { POOL_MANIFEST_FORMAT } from './pool-manifest.ts'
import type { EvidenceDirectory } from './read-evidence.ts'

/**
 * Compares the pool manifests with notes and checkpoints that were kept elsewhere. What was anchored and is not here
 * was cut off; what is here otherwise than it was anchored was written anew.
 *
 * Files of another pool, which have a key of another name, are passed over; an anchor without any of this pool's shows
 * nothing, and that is said.
 */
export async function verifyAnchors(check: Check, found: readonly Found[]): Promise<AnchorsReport | null> {
  const { anchors, directory } = check
  if (!anchors) return null
  const report = { files: 0, newest: null as string | null }
  const cut: string[] = []
  const rewritten: string[] = []
  // Notes first: they name their pool manifest, a checkpoint only describes its tree.
  const names = anchors.files.filter((name) => /\.(note|checkpoint)$/.test(name)).sort(byEndingThenName)
  for (const file of names) {
    const text = await signedTextOfAnchor(check, anchors, file, found.at(-1)?.manifest.key)
    if (text === undefined) continue
    report.files += 1
    if (text === 'not-signed') continue
    const compared = compareNote(text, found, directory.files) ?? compareCheckpoint(text, found, file)
    if (compared?.outcome === 'here' && compared.file > (report.newest ?? '')) report.newest = compared.file
    if (compared?.outcome === 'cut') cut.push(compared.file)
    if (compared?.outcome === 'rewritten') rewritten.push(compared.file)
  }
  const tell = (what: 'end-cut' | 'history-rewritten', file: string, message: string) =>
    check.blind
      ? cannotRead(check, file, `${message}, or in what could not be read`)
      : broken(check, { what, file, message })
  const newest = cut.sort().at(-1)
  if (newest !== undefined) {
    const here = found.at(-1)?.file
    const message = `the end is cut off: ${newest} was anchored, and ${here === undefined ? 'no pool manifest is here' : `the newest pool manifest here is ${here}`}`
    tell('end-cut', newest, message)
  }
  const first = rewritten.sort()[0]
  if (first !== undefined) {
    const message = `history was rewritten: ${first} was anchored, and what is here is another one`
    tell('history-rewritten', first, message)
  }
  if (report.files === 0) cannotRead(check, 'anchors', 'no note or checkpoint there is of this pool')
  return report
}

function byEndingThenName(a: string, b: string): number {
  const [first, second] = [a.endsWith('.note') ? 0 : 1, b.endsWith('.note') ? 0 : 1]
  return first - second || (a < b ? -1 : 1)
}

/** Undefined: of another pool, or it could not be read. */
async function signedTextOfAnchor(
  check: Check,
  anchors: EvidenceDirectory,
  file: string,
  keyHere: string | undefined,
): Promise<string | undefined> {
  const read = await readText(anchors, file)
  if (read.outcome === 'unreadable' || read.outcome === 'missing') {
    cannotRead(check, `anchors/${file}`, read.outcome === 'missing' ? 'it was there a moment ago' : read.reason)
    return undefined
  }
  const note = read.outcome === 'read' ? parseNote(read.text) : undefined
  const name = check.pinned?.name ?? keyHere?.split('+')[0]
  if (note && name !== undefined && !note.signatures.some((each) => each.name === name)) return undefined
  if (note && check.trusted.some((key: VerifierKey) => isSignedBy(note, key) === 'valid')) return note.text
  const message = `${file}, which the anchor has, is not signed by a key to trust here`
  broken(check, { what: 'anchor-signature', file, message })
  return 'not-signed'
}

type Compared = { readonly outcome: 'here' | 'cut' | 'rewritten' | 'older'; readonly file: string }

/** Undefined for a text that is not the one of a pool manifest's note. */
function compareNote(text: string, found: readonly Found[], files: readonly string[]): Compared | undefined {
  const [format, file, sha256] = text.split('\n')
  if (format !== POOL_MANIFEST_FORMAT || file === undefined) return undefined
  const here = found.find((each) => each.file === file)
  if (here) return { outcome: here.sha256 === sha256 ? 'here' : 'rewritten', file }
  const [oldest, newest] = [found[0]?.file, found.at(-1)?.file]
  if (newest === undefined || oldest === undefined || file > newest) return { outcome: 'cut', file }
  if (file < oldest) return { outcome: found[0]!.manifest.number > 1 ? 'older' : 'rewritten', file }
  // It is here, was altered, and was reported.
  return files.includes(file) ? { outcome: 'older', file } : { outcome: 'rewritten', file }
}

/** Undefined for a text that is no checkpoint. Its pool manifest is the one with this tree. */
function compareCheckpoint(text: string, found: readonly Found[], file: string): Compared | undefined {
  const checkpoint = parseCheckpoint(text)
  if (!checkpoint) return undefined
  const [oldest, newest] = [found[0], found.at(-1)]
  if (!oldest || !newest || checkpoint.size > newest.manifest.tree.size) return { outcome: 'cut', file }
  const root = Buffer.from(checkpoint.root).toString('base64')
  const same = found.find(({ manifest: { tree } }) => tree.size === checkpoint.size && tree.root === root)
  if (same) return { outcome: 'here', file: same.file }
  const isOlder = checkpoint.size < oldest.manifest.tree.size && oldest.manifest.number > 1
  return { outcome: isOlder ? 'older' : 'rewritten', file }
}
