import type { Database } from '@hansard/sql'

/**
 * The latest stamp that a source has given to an event, and which source it is. Without `settledToo`, only of sources
 * whose events may not all be in the compliance database yet.
 */
export async function newestStamp(
  db: Database,
  { settledToo = false }: { settledToo?: boolean } = {},
): Promise<{ source: string; epoch: number; at: number } | undefined> {
  return db
    .knex('source')
    .where('last_seq', '>', 0)
    .modify((query) => void (settledToo || query.andWhere({ settled: false })))
    .orderBy([{ column: 'last_stamp', order: 'desc' }, 'name'])
    .first('name as source', 'epoch', 'last_stamp as at')
}
