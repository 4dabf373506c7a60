import type { Knex } from '@hansard/sql'

/** Events of a source that are in no copy. */
type OutboxGap = { readonly source: string; readonly epoch: number; readonly after: number; readonly missing: number }

/**
 * The sources that have numbers which are neither staged, as `staged` says, nor in the outbox. Undefined for a source
 * that is not staged at all.
 */
export async function outboxGaps(
  knex: Knex,
  staged: (source: { name: string; epoch: number; incarnation: string }) => number | undefined,
): Promise<OutboxGap[]> {
  const sources: { name: string; epoch: number; incarnation: string; last_seq: number }[] = await knex('source')
    .where('last_seq', '>', 0)
    .orderBy(['name', 'epoch'])
    .select('name', 'epoch', 'incarnation', 'last_seq')
  const gaps: OutboxGap[] = []
  for (const source of sources) {
    const { name, epoch, last_seq: last } = source
    const after = staged(source) ?? 0
    if (after >= last) continue
    const rows = await knex('outbox').where({ source: name, epoch }).andWhere('seq', '>', after).count({ n: '*' })
    const missing = last - after - Number(rows[0]?.['n'])
    if (missing > 0) gaps.push({ source: name, epoch, after, missing })
  }
  return gaps
}
