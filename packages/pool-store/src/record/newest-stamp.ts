import type { Database } from '@hansard/sql'

/** The latest stamp that a source which is not settled has given to an event, and which source it is. */
export async function newestStamp(db: Database): Promise<{ source: string; epoch: number; at: number } | undefined> {
  return db
    .knex('source')
    .where({ settled: false })
    .andWhere('last_seq', '>', 0)
    .orderBy([{ column: 'last_stamp', order: 'desc' }, 'name'])
    .first('name as source', 'epoch', 'last_stamp as at')
}
