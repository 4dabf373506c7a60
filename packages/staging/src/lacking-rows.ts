import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import { gapsOfSource } from './accepted-gaps.ts'
import type { SourceIdentity } from './source-identity.ts'

/** Needs a person, unless the outbox still has the event: somebody removed what was staged. */
export class StagedRowMissing extends Error {
  override name = 'StagedRowMissing'
  readonly sourceId: number
  readonly seq: number
  constructor({ id, source, epoch }: { id: number; source: string; epoch: number }, seq: number) {
    super(
      `Event ${source}/${epoch}/${seq} was removed from the compliance database after it was staged. ` +
        'If the outbox still has it, the relay fills it again by itself; otherwise see `hansard gaps list`.',
    )
    this.sourceId = id
    this.seq = seq
  }
}

/** Asks the relay for the event, and lists it for `hansard gaps list`. */
export async function noteLacking(db: Database, lease: Lease, { sourceId, seq }: StagedRowMissing): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('source').where({ id: sourceId }).update({ lacks_from: seq })
  })
}

/** The first event of an export whose staged row is gone. */
export async function lackingIn(db: Database, exportId: number): Promise<StagedRowMissing | undefined> {
  const row: { id: number; source: string; epoch: number; seq: number } | undefined = await db
    .knex('compliance_fanout as f')
    .join('source as s', 's.id', 'f.source_id')
    .where('f.export_id', exportId)
    .whereNotExists(
      db.knex('staged_event as e').whereRaw('e.source_id = f.source_id and e.seq = f.seq').select(db.knex.raw('1')),
    )
    .orderBy(['f.source_id', 'f.seq'])
    .first('s.id', 's.name as source', 's.epoch', 'f.seq')
  return row && new StagedRowMissing(row, row.seq)
}

type LackingNumbers = SourceIdentity & { readonly incarnation: string; readonly from: number; readonly to: number }

/** Numbers that count as staged and whose rows were found to be gone: of each source, the first of them. */
export async function lackingNumbers(db: Database): Promise<LackingNumbers[]> {
  const rows: (LackingNumbers & { id: number; through: number })[] = await db
    .knex('source')
    .where('lacks_from', '>', 0)
    .orderBy(['name', 'epoch', 'incarnation'])
    .select('id', 'name as source', 'epoch', 'incarnation', 'lacks_from as from', 'staged_through as through')
  const found: LackingNumbers[] = []
  for (const { id, from, through, ...source } of rows) {
    const next = await nextOnRecord(db.knex, { id, from, through })
    if (next > from) found.push({ ...source, from, to: next - 1 })
  }
  return found
}

/** Stamps of the staged events before and after these numbers. */
export async function stampsAround(
  db: Database,
  { source: name, epoch, incarnation = '', from, to }: SourceIdentity & { from: number; to: number },
): Promise<{ after: number | null; before: number | null }> {
  const row: { id: number } | undefined = await db.knex('source').where({ name, epoch, incarnation }).first('id')
  if (!row) return { after: null, before: null }
  const events = () => db.knex('staged_event').where({ source_id: row.id })
  const before: { at: number } | undefined = await events()
    .andWhere('seq', '<', from)
    .orderBy('seq', 'desc')
    .first('at')
  const after: { at: number } | undefined = await events().andWhere('seq', '>', to).orderBy('seq').first('at')
  return { after: before?.at ?? null, before: after?.at ?? null }
}

/** The first number from `from` on that is staged, in quarantine in its place, or in an accepted gap. */
async function nextOnRecord(
  knex: Knex,
  { id, from, through }: { id: number; from: number; through: number },
): Promise<number> {
  const first = (table: string, also: object) =>
    knex(table)
      .where({ source_id: id, ...also })
      .andWhere('seq', '>=', from)
      .orderBy('seq')
      .first('seq')
  const staged: { seq: number } | undefined = await first('staged_event', {})
  const quarantined: { seq: number } | undefined = await first('quarantined_event', { counted: 1 })
  const gap = (await gapsOfSource(knex, id)).find(({ to }) => to >= from)
  return Math.min(staged?.seq ?? through + 1, quarantined?.seq ?? through + 1, gap?.from ?? through + 1)
}
