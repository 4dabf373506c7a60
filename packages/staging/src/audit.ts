import type { Database, Knex } from '@hansard/sql'

/**
 * An audit record: who read or changed what. Written in the transaction of the change, or before the result of the
 * read is sent.
 */
type AuditRecord = {
  readonly at: number
  /** an account, or `worker:<name>` */
  readonly actor: string
  readonly action: string
  readonly object: string
  readonly detail: Readonly<Record<string, unknown>>
}

export async function appendAudit(knex: Knex, { at, actor, action, object, detail }: AuditRecord): Promise<void> {
  await knex('audit_record').insert({ at, actor, action, object, detail: JSON.stringify(detail) })
}

/** Newest first. */
export async function listAudit(
  db: Database,
  { before, limit }: { before?: number | undefined; limit: number },
): Promise<(AuditRecord & { id: number })[]> {
  const query = db.knex('audit_record').orderBy('id', 'desc').limit(limit)
  if (before !== undefined) query.where('id', '<', before)
  const rows: { id: number; at: number; actor: string; action: string; object: string; detail: string }[] = await query
  return rows.map((row) => ({ ...row, detail: JSON.parse(row.detail) as Record<string, unknown> }))
}
