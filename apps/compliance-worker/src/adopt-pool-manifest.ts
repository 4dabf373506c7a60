import { hash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  type PoolManifest,
  type PoolSeriesEntry,
  parsePoolManifest,
  poolManifestStatement,
  stemOfPoolManifest,
} from '@hansard/evidence'
import {
  formatVerifierKey,
  isSignedBy,
  parseCheckpoint,
  parseNote,
  rootOf,
  type SigningKeys,
  successorsOf,
  type TreeFrontier,
  type VerifierKey,
} from '@hansard/signing'
import type { Database } from '@hansard/sql'
import { type ClosedInterval, findExport, type PlannedPoolManifest, sourcesOfInterval } from '@hansard/staging'

/** Needs a person: the pool directory holds a pool manifest that cannot be this pool's, and nothing is signed over it. */
export class PoolManifestRefused extends Error {
  override name = 'PoolManifestRefused'
  constructor(path: string, why: string) {
    super(
      `${path} ${why}. It is not replaced, and no later pool manifest is signed. ` +
        'Keep a copy of the directory, then bring the right files back, or move this one and all later ones elsewhere.',
    )
  }
}

type Named = { readonly directory: string; readonly stem: string }

/**
 * The pool manifest that is on disk for an interval of which the compliance database has none: the database was
 * restored from a backup, or is new.
 *
 * The danger is to sign a second, other manifest for an interval that somebody may have archived and anchored: that
 * looks like a forgery. So the one on disk is taken over when one of the pool's keys has signed it, when it follows
 * the one before, and when its tree is the tree over the events that the database has. `undefined`: there is none.
 * `waits`: it names exports that the adapters have not adopted yet.
 */
export async function poolManifestOnDisk(
  { db, pool, keys }: { db: Database; pool: string; keys: SigningKeys },
  { directory, stem }: Named,
  {
    interval,
    previous,
    tree,
  }: { interval: ClosedInterval; previous: PlannedPoolManifest | undefined; tree: TreeFrontier },
): Promise<PlannedPoolManifest | 'waits' | undefined> {
  const path = join(directory, `${stem}.json`)
  const text = await textOf(path)
  if (text === undefined) {
    const other = await overlapping(directory, { stem, after: previous?.files.at(-1)?.name })
    if (other === undefined) return undefined
    throw new PoolManifestRefused(join(directory, other), 'is of another interval than the database has closed')
  }
  const refuse = (why: string): never => {
    throw new PoolManifestRefused(path, why)
  }
  const parsed = parsePoolManifest(text)
  if (parsed.outcome !== 'parsed') return refuse('cannot be adopted: it is no pool manifest, or was altered')
  const { manifest } = parsed
  if (manifest.pool !== pool) refuse(`belongs to the pool ${manifest.pool}`)
  const { startMs, endMs } = manifest.interval
  if (manifest.number !== interval.number || startMs !== interval.startsAt || endMs !== interval.endsAt)
    refuse(`is number ${manifest.number} and the database has ${interval.number} there`)
  if (manifest.previousPoolManifestSha256 !== (previous?.manifestSha256 ?? null))
    refuse('does not follow the pool manifest before it')
  const manifestSha256 = hash('sha256', text, 'hex')
  const note = await textOf(join(directory, `${stem}.note`))
  const checkpoint = await textOf(join(directory, `${stem}.checkpoint`))
  const trusted = successorsOf(keys.signing.verifier, keys.successions, { backwards: true })
  const key = trusted.find((each) => formatVerifierKey(each) === manifest.key)
  if (!key || note === undefined || checkpoint === undefined) return refuse('is not signed with a key of this pool')
  if (signedText(note, key) !== poolManifestStatement(`${stem}.json`, manifestSha256))
    refuse('is not what its note signs')
  const head = parseCheckpoint(signedText(checkpoint, key) ?? '')
  const root = Buffer.from(rootOf(tree)).toString('base64')
  if (head?.size !== manifest.tree.size || Buffer.from(head.root).toString('base64') !== manifest.tree.root)
    refuse('has another tree than its checkpoint')
  if (manifest.tree.size !== tree.size || manifest.tree.root !== root)
    refuse(`has a tree over ${manifest.tree.size} events, and the database has ${tree.size}, or others`)
  await requireSources(db, manifest, refuse)
  for (const entry of manifest.series) {
    const compared = await isInDatabase(db, entry)
    if (compared === 'waits') return 'waits'
    if (compared === 'differs') refuse(`names another ${entry.adapter}/${entry.number} than the database has`)
  }
  return {
    number: interval.number,
    treeSize: tree.size,
    treeRoots: tree.roots.map((each) => Buffer.from(each).toString('hex')),
    manifestSha256,
    audit: manifest.audit,
    files: [
      { name: `${stem}.checkpoint`, content: checkpoint },
      { name: `${stem}.note`, content: note },
      { name: `${stem}.json`, content: text },
    ],
  }
}

async function requireSources(db: Database, manifest: PoolManifest, refuse: (why: string) => void): Promise<void> {
  const theirs = new Map(manifest.sources.map((s) => [`${s.source}/${s.epoch}/${s.incarnation}`, s]))
  const ours = await sourcesOfInterval(db, manifest.number)
  const differs = ours.find(({ source, epoch, incarnation, throughSeq, headThrough }) => {
    const their = theirs.get(`${source}/${epoch}/${incarnation}`)
    return their?.last !== throughSeq || their.head !== headThrough
  })
  if (differs || ours.length !== theirs.size)
    refuse(`has other sources than the database${differs ? `: ${differs.source}/${differs.epoch}` : ''}`)
}

async function isInDatabase(
  db: Database,
  { adapter, number, sha256 }: PoolSeriesEntry,
): Promise<'same' | 'waits' | 'differs'> {
  if (number === 0) return 'same'
  const found = await findExport(db, { adapter, number })
  if (found?.state !== 'sealed') return 'waits'
  return found.manifestSha256 === sha256 ? 'same' : 'differs'
}

/** The text of a note that this key has signed. */
function signedText(note: string, key: VerifierKey): string | undefined {
  const parsed = parseNote(note)
  return parsed && isSignedBy(parsed, key) === 'valid' ? parsed.text : undefined
}

/** A pool manifest on disk after the newest one that the database has, under another name than the one that is due. */
async function overlapping(
  directory: string,
  { stem, after }: { stem: string; after: string | undefined },
): Promise<string | undefined> {
  const names = await readdir(directory).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return names
    .filter((name) => stemOfPoolManifest(name) !== undefined && name !== `${stem}.json`)
    .filter((name) => after === undefined || name > after)
    .sort()[0]
}

async function textOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
