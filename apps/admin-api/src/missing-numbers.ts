import { readOutbox, readSourceProgress } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { keyOfSource, type SourceIdentity, stagedThrough } from '@hansard/staging'

/** Numbers that a source has assigned, and that are neither staged nor in the outbox. */
export type MissingNumbers = {
  readonly source: string
  readonly epoch: number
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
  const before = await stagedThrough(complianceDb)
  const suspects: (MissingNumbers & SourceIdentity & { readonly staged: number })[] = []
  for (const { source, epoch, incarnation, state, lastSeq } of sources) {
    const known = before.get(keyOfSource({ source, epoch, incarnation }))
    // The compliance database no longer lists an ended source of which it has everything.
    if (known === undefined && state !== 'alive') continue
    const staged = known ?? 0
    if (staged >= lastSeq) continue
    const [next] = await readOutbox(poolDb, { source, epoch, afterSeq: staged, limit: 1 })
    if (next?.seq === staged + 1) continue
    suspects.push({ source, epoch, incarnation, from: staged + 1, to: (next?.seq ?? lastSeq + 1) - 1, staged })
  }
  if (suspects.length === 0) return []
  const after = await stagedThrough(complianceDb)
  return suspects
    .filter((suspect) => (after.get(keyOfSource(suspect)) ?? 0) === suspect.staged)
    .map(({ source, epoch, from, to }) => ({ source, epoch, from, to }))
}
