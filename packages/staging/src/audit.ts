import { leafOf, nextHead } from '@hansard/compliance-event'
import type { Database, Knex } from '@hansard/sql'

/**
 * An audit record: who read or changed what. Written in the transaction of the change, or before the result of the
 * read is sent.
 *
 * Records are numbered from 1 without gaps and chained like the events of a source (`audit-chain.ts` recomputes it):
 *
 *     leaf(n) = SHA-256( JSON of [number, at, actor, action, object, detail] )     `detail` is itself a JSON text
 *     head(0) = the random genesis of this compliance database
 *     head(n) = SHA-256( head(n-1) + "\n" + leaf(n) )
 *
 * The last number and head are in `audit_chain` as well. Its row is locked from the number to the commit: otherwise
 * two transactions would take the same number.
 */
type AuditRecord = {
  readonly at: number
  /** an account, or `worker:<name>` */
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly detail: Readonly<Record<string, unknown>>
}

type NumberedAuditRecord = AuditRecord & { readonly number: number; readonly head: string }

/** @internal A row of `audit_record`: `detail` is the exact text. */
export type AuditRow = Omit<AuditRecord, 'detail'> & {
  readonly number: number
  readonly detail: string
  readonly leaf: string
  readonly head: string
}

/** Within the transaction that is given, or in one of its own. Returns the record's number and head. */
export async function appendAudit(knex: Knex, record: AuditRecord): Promise<{ number: number; head: string }> {
  return knex.isTransaction ? append(knex, record) : knex.transaction((tx) => append(tx, record))
}

async function append(
  tx: Knex,
  { at, actor, action, object, detail }: AuditRecord,
): Promise<{ number: number; head: string }> {
  const locked = await tx('audit_chain').where({ id: 1 }).increment('last_number', 1)
  if (locked !== 1) throw new AuditChainLost()
  const { last_number: number, head: before } = await tx('audit_chain').where({ id: 1 }).first('last_number', 'head')
  const row = { number, at, actor, action, object, detail: JSON.stringify(detail) }
  const leaf = leafOfAudit(row)
  const head = nextHead(before, leaf)
  await tx('audit_record').insert({ ...row, leaf, head })
  await tx('audit_chain').where({ id: 1 }).update({ head })
  return { number, head }
}

/** Needs a person: somebody removed the row that continues the chain. Nothing is read or changed without a record. */
class AuditChainLost extends Error {
  override name = 'AuditChainLost'
  constructor() {
    super('The audit trail cannot be continued: the row of audit_chain in the compliance database was removed.')
  }
}

/** @internal */
export function leafOfAudit({ number, at, actor, action, object, detail }: Omit<AuditRow, 'leaf' | 'head'>): string {
  return leafOf(JSON.stringify([number, at, actor, action, object, detail]))
}

type AuditFilter = {
  readonly actor?: string | undefined
  readonly action?: string | undefined
  readonly object?: string | undefined
  readonly from?: number | undefined
  /** before this moment */
  readonly to?: number | undefined
}

/** Newest first. */
export async function listAudit(
  db: Database,
  { before, limit, from, to, ...equal }: AuditFilter & { before?: number | undefined; limit: number },
): Promise<NumberedAuditRecord[]> {
  const query = db.knex('audit_record').whereNotNull('number').orderBy('number', 'desc').limit(limit)
  for (const [column, value] of Object.entries(equal)) if (value !== undefined) query.where(column, value)
  if (from !== undefined) query.where('at', '>=', from)
  if (to !== undefined) query.where('at', '<', to)
  if (before !== undefined) query.where('number', '<', before)
  const rows: AuditRow[] = await query.select('number', 'at', 'actor', 'action', 'object', 'detail', 'head')
  return rows.map(({ number, at, actor, action, object, detail, head }) => {
    return { number, at, actor, action, object, detail: detailOf(detail), head }
  })
}

/** A record that somebody altered is still shown: `verifyAudit` names it. */
function detailOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const detail: unknown = JSON.parse(text)
    if (typeof detail === 'object' && detail !== null && !Array.isArray(detail))
      return detail as Record<string, unknown>
  } catch {}
  return { unreadable: text }
}
