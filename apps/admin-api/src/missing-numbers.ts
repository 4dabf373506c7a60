import { readOutbox, readSourceProgress } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { keyOfSource, type SourceIdentity, stagedStates } from '@hansard/staging'

/** Numbers that a source has assigned, and that are neither staged nor in the outbox. */
export type MissingNumbers = SourceIdentity & {
  readonly from: number
  readonly to: number
}

/**
 * The first missing numbers of each source.
 *
 * The relay deletes an outbox row only after the compliance database has its event. The number after the last staged
 * one is therefore in the outbox, unless somebody else removed it. Both databases change while they are read: what was
 * staged is read before and after the outbox, and only a source whose answer is the same counts.
 */
export async function missingNumbers(
  { poolDb, complianceDb }: { poolDb: Database; complianceDb: Database },
  now: number,
): Promise<MissingNumbers[]> {
  const { sources } = await readSourceProgress(poolDb, now)
  const before = await stagedStates(complianceDb, sources)
  const suspects: (MissingNumbers & { readonly staged: number })[] = []
  for (const { source, epoch, incarnation, lastSeq } of sources) {
    const known = before.get(keyOfSource({ source, epoch, incarnation }))
    const staged = known?.stagedThrough ?? 0
    // What a forked source has beyond the staged numbers is in quarantine.
    if (staged >= lastSeq || known?.forked) continue
    const [next] = await readOutbox(poolDb, { source, epoch, afterSeq: staged, limit: 1 })
    if (next?.seq === staged + 1) continue
    suspects.push({ source, epoch, incarnation, from: staged + 1, to: (next?.seq ?? lastSeq + 1) - 1, staged })
  }
  if (suspects.length === 0) return []
  const after = await stagedStates(complianceDb, suspects)
  return suspects
    .filter((suspect) => (after.get(keyOfSource(suspect))?.stagedThrough ?? 0) === suspect.staged)
    .map(({ source, epoch, incarnation, from, to }) => ({ source, epoch, incarnation, from, to }))
}
