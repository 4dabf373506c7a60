import type { Knex } from '@hansard/sql'
import { keyOfSource } from './source-identity.ts'

/** Up to which number each source is staged. What a forked source has beyond that is in quarantine: all of it counts. */
export async function stagedNumbers(
  knex: Knex,
): Promise<(source: { name: string; epoch: number; incarnation: string }) => number | undefined> {
  const rows: { source: string; epoch: number; incarnation: string; staged_through: number; fork_seq: number }[] =
    await knex('source').select('name as source', 'epoch', 'incarnation', 'staged_through', 'fork_seq')
  const staged = new Map(
    rows.map((row) => [keyOfSource(row), row.fork_seq > 0 ? Number.MAX_SAFE_INTEGER : row.staged_through]),
  )
  return ({ name, epoch, incarnation }) => staged.get(keyOfSource({ source: name, epoch, incarnation }))
}
