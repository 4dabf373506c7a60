import { genesisHead } from '@hansard/compliance-event'
import type { Knex } from '@hansard/sql'
import type { SourceIdentity } from './source-identity.ts'

/** The chain of a source at a number that is not after the last staged one; undefined where the record has none. */
export async function headAt(
  knex: Knex,
  { id, source, epoch, incarnation = '' }: SourceIdentity & { readonly id: number },
  seq: number,
): Promise<string | undefined> {
  if (seq === 0) return genesisHead(source, epoch, incarnation)
  const staged: { head: string } | undefined = await knex('staged_event').where({ source_id: id, seq }).first('head')
  if (staged) return staged.head
  const quarantined: { head: string } | undefined = await knex('quarantined_event')
    .where({ source_id: id, seq, counted: 1 })
    .first('head')
  if (quarantined) return quarantined.head
  const gap: { head: string } | undefined = await knex('accepted_gap')
    .where({ source_id: id, to_seq: seq, state: 'accepted' })
    .first('head')
  if (gap && gap.head !== '') return gap.head
  const closed: { head_through: string } | undefined = await knex('closed_interval_source')
    .where({ source_id: id, through_seq: seq })
    .first('head_through')
  return closed?.head_through
}
