import { listAudit as auditOnRecord, verifyAudit as recompute } from '@hansard/staging'
import type { Handle } from './call.ts'
import { AdminProblem } from './problems.ts'
import { createSignedHeads } from './signed-heads.ts'

/** Who read or changed what, newest first. */
export const listAudit: Handle<'listAudit'> = async ({ complianceDb }, { query }) => {
  const { after, limit, ...filter } = query
  const found = await auditOnRecord(complianceDb, { ...filter, before: after, limit: limit + 1 })
  const records = found.slice(0, limit)
  return { records, next: found.length > limit ? String(records.at(-1)!.number) : null }
}

export const verifyAudit: Handle<'verifyAudit'> = async ({ complianceDb }, { query: { number, head } }) => {
  if ((number === undefined) !== (head === undefined))
    throw new AdminProblem('malformed', 'A noted number and its head are given together, or neither.')
  const signed = createSignedHeads()
  const verdict = await recompute(complianceDb, {
    heads: signed.read,
    expect: number === undefined || head === undefined ? undefined : { number, head },
  })
  return { ...verdict, signed: signed.found() }
}
