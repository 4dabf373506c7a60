import type { Database } from '@hansard/sql'
import { oneNumber } from './one-number.ts'
import { byIdentity, type SourceIdentity } from './source-identity.ts'

/** A source that has given numbers out twice. Its other texts are in quarantine. */
export type StagedFork = Required<SourceIdentity> & {
  /** the first number that has two texts, as far as is known */
  readonly seq: number
  /** hash of the text in quarantine under this number; null when none has arrived */
  readonly leaf: string | null
  /** texts of the fork in quarantine */
  readonly events: number
}

type Row = { id: number; source: string; epoch: number; incarnation: string; seq: number }

/** What the manifests of an interval say of forks: those that were noticed while it was open, and their texts. */
export async function forksOfInterval(db: Database, interval: number): Promise<StagedFork[]> {
  return describe(db, interval)
}

/** Every fork there has been. */
export async function readForks(db: Database): Promise<StagedFork[]> {
  return describe(db, undefined)
}

async function describe(db: Database, interval: number | undefined): Promise<StagedFork[]> {
  const texts = () => {
    // The literal condition is that of the index.
    const query = db.knex('quarantined_event').whereRaw('fork_in > 0')
    return interval === undefined ? query : query.andWhere('fork_in', interval)
  }
  const noticed = db.knex('source').where('fork_seq', '>', 0)
  if (interval !== undefined)
    noticed.andWhere((some) => some.where('fork_in', interval).orWhereIn('id', texts().distinct('source_id')))
  const rows: Row[] = await noticed.select('id', 'name as source', 'epoch', 'incarnation', 'fork_seq as seq')
  const forks: StagedFork[] = []
  for (const { id, ...row } of rows) {
    const mine = () => texts().andWhere('source_id', id)
    const first: { seq: number; leaf: string } | undefined = await mine().orderBy(['seq', 'leaf']).first('seq', 'leaf')
    const events = (await oneNumber(mine().count())) ?? 0
    forks.push({ ...row, seq: first?.seq ?? row.seq, leaf: first?.leaf ?? null, events })
  }
  return forks.sort(byIdentity)
}
