import type { Database } from '@hansard/sql'

/**
 * Participants who joined, by their row, after the last stamp that their living source recorded: the source serves
 * people and records nothing of it. A join and the stamp of its event are written in one transaction, so there is none
 * while the source works.
 */
export async function unrecordedParticipants(
  db: Database,
): Promise<{ source: string; epoch: number; participants: number; lastSeq: number }[]> {
  const rows: { source: string; epoch: number; participants: number | string; lastSeq: number }[] = await db
    .knex('source')
    .join('participant', (on) => {
      on.on('participant.source', 'source.name').andOn('participant.epoch', 'source.epoch')
    })
    .where('source.state', 'alive')
    .andWhereRaw('participant.joined_at > source.last_stamp')
    .groupBy('source.name', 'source.epoch', 'source.last_seq')
    .orderBy(['source.name', 'source.epoch'])
    .select('source.name as source', 'source.epoch as epoch', 'source.last_seq as lastSeq')
    .count('* as participants')
  return rows.map((row) => ({ ...row, participants: Number(row.participants) }))
}
