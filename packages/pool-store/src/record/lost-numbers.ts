import type { SourceLoss } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import type { Source } from './sources.ts'

const LOSSES_MAX = 1_000

/**
 * What only a living service knows of a pool database that was set back: the numbers that it had recorded and that were
 * acknowledged. The compliance side knows of those that the last source progress had reported, up to a second before.
 */
export type LostNumbers = SourceLoss & { readonly at: number }

/** Writes it down in the database that was set back. A second note changes nothing. */
export async function noteLostNumbers(
  db: Database,
  { name, epoch, incarnation }: Pick<Source, 'name' | 'epoch' | 'incarnation'>,
  { recorded, found, now }: { recorded: number; found: number; now: number },
): Promise<void> {
  await db
    .knex('lost_numbers')
    .insert({ source: name, epoch, incarnation, recorded_seq: recorded, found_seq: found, noted_at: now })
    .onConflict(['source', 'epoch', 'incarnation'])
    .ignore()
}

export async function lostNumbers(db: Database, { since }: { since: number }): Promise<LostNumbers[]> {
  return db
    .knex('lost_numbers')
    .where('noted_at', '>=', since)
    .orderBy([{ column: 'noted_at', order: 'desc' }, 'source', 'epoch', 'incarnation'])
    .limit(LOSSES_MAX)
    .select('source', 'epoch', 'incarnation', 'recorded_seq as recordedSeq', 'found_seq as foundSeq', 'noted_at as at')
}
