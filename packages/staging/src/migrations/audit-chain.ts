import { randomBytes } from 'node:crypto'
import { nextHead } from '@hansard/compliance-event'
import type { Knex } from '@hansard/sql'
import { type AuditRow, leafOfAudit } from '../audit.ts'

/** rows that are chained at once */
const BATCH = 1_000

/** Numbers and chains the audit trail, with the records that exist. What was deleted before cannot be known. */
export async function chainAuditRecords(tx: Knex.Transaction): Promise<void> {
  await tx.schema.alterTable('audit_record', (table) => {
    // Null only in rows that were not written by Hansard.
    table.bigInteger('number')
    table.text('leaf')
    table.text('head')
    table.unique(['number'])
    table.index(['actor', 'number'])
    table.index(['object', 'number'])
  })
  await tx.schema.createTable('audit_chain', (table) => {
    table.integer('id').primary()
    // Random, so that no record of another compliance database fits in.
    table.text('genesis').notNullable()
    table.bigInteger('last_number').notNullable()
    table.text('head').notNullable()
  })
  const genesis = randomBytes(32).toString('hex')
  let [number, head, after] = [0, genesis, 0]
  for (;;) {
    const rows: (AuditRow & { id: number })[] = await tx('audit_record')
      .where('id', '>', after)
      .orderBy('id')
      .limit(BATCH)
    for (const row of rows) {
      number += 1
      const leaf = leafOfAudit({ ...row, number })
      head = nextHead(head, leaf)
      await tx('audit_record').where({ id: row.id }).update({ number, leaf, head })
    }
    if (rows.length < BATCH) break
    after = rows.at(-1)!.id
  }
  await tx('audit_chain').insert({ id: 1, genesis, last_number: number, head })
}
