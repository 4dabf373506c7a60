import { type Head, nextHead } from '@hansard/compliance-event'
import type { Database, Knex } from '@hansard/sql'
import { type AuditRow, leafOfAudit } from './audit.ts'

/**
 * Recomputes the chain of the audit trail.
 *
 * What it proves: no record was altered, added, removed or moved by somebody who did not also recompute every head
 * after it and the row of `audit_chain`. Whoever may write to the whole compliance database can do that, so a head
 * that somebody noted elsewhere is worth more: `expect` compares with it.
 */
type AuditProblem = {
  readonly what: 'altered' | 'missing' | 'added' | 'unexpected'
  /** the first record concerned; null for a record without a number */
  readonly number: number | null
  readonly message: string
}

type AuditVerdict = {
  /** records that were recomputed */
  readonly records: number
  /** the head after them */
  readonly head: Head
  readonly problem: AuditProblem | null
}

/** A number and the head after it, as somebody noted them. */
type AuditMark = { readonly number: number; readonly head: Head }

/** Recomputes the whole chain. Records that are added meanwhile are not part of it. */
export async function verifyAudit(
  db: Database,
  { expect }: { expect?: AuditMark | undefined } = {},
): Promise<AuditVerdict> {
  const walk = startAuditWalk()
  for (;;) {
    const step = await stepAuditWalk(db, walk, { recordsMax: BATCH, expect })
    if (step.ended) return step.verdict
  }
}

/** records that are read at once */
const BATCH = 1_000

/** Where a verification has come to. It is at the beginning again after a step that ended it. */
type AuditWalk = { number: number; head: Head; end: AuditMark | undefined }

function startAuditWalk(): AuditWalk {
  return { number: 0, head: '', end: undefined }
}

type Step = { readonly ended: false } | { readonly ended: true; readonly verdict: AuditVerdict }

/** Recomputes at most `recordsMax` further records. */
async function stepAuditWalk(
  db: Database,
  walk: AuditWalk,
  { recordsMax, expect }: { recordsMax: number; expect?: AuditMark | undefined },
): Promise<Step> {
  const end = (problem: AuditProblem | null): Step => {
    const verdict = { records: walk.number, head: walk.head, problem }
    Object.assign(walk, startAuditWalk())
    return { ended: true, verdict }
  }
  if (walk.end === undefined) {
    const chain = await chainRow(db.knex)
    if (!chain) return end({ what: 'missing', number: null, message: 'The row of audit_chain was removed.' })
    Object.assign(walk, { number: 0, head: chain.genesis, end: { number: chain.last_number, head: chain.head } })
  }
  const last = walk.end!
  const rows: AuditRow[] = await db
    .knex('audit_record')
    .where('number', '>', walk.number)
    .andWhere('number', '<=', last.number)
    .orderBy('number')
    .limit(recordsMax)
  for (const row of rows) {
    const problem = problemOf(row, walk) ?? unexpected(walk, expect)
    if (problem) return end(problem)
  }
  if (rows.length === recordsMax) return { ended: false }
  return end(await problemAtEnd(db.knex, walk, last, expect))
}

function problemOf(row: AuditRow, walk: AuditWalk): AuditProblem | undefined {
  const number = walk.number + 1
  if (row.number !== number) return missing(number, row.number - 1)
  const leaf = leafOfAudit(row)
  const head = nextHead(walk.head, leaf)
  if (leaf !== row.leaf || head !== row.head)
    return { what: 'altered', number, message: `Record ${number} of the audit trail was altered after it was written.` }
  Object.assign(walk, { number, head })
  return undefined
}

function missing(from: number, to: number): AuditProblem {
  const which = from === to ? `Record ${from} of the audit trail is` : `Records ${from} to ${to} of the audit trail are`
  return { what: 'missing', number: from, message: `${which} missing.` }
}

function unexpected(walk: AuditWalk, expect: AuditMark | undefined): AuditProblem | undefined {
  if (expect?.number !== walk.number || expect.head === walk.head) return undefined
  const { number } = walk
  const message = `The head after record ${number} is ${walk.head}, not ${expect.head}: records up to it were rewritten.`
  return { what: 'unexpected', number, message }
}

async function problemAtEnd(
  knex: Knex,
  walk: AuditWalk,
  last: AuditMark,
  expect: AuditMark | undefined,
): Promise<AuditProblem | null> {
  if (walk.number < last.number) return missing(walk.number + 1, last.number)
  const { number } = walk
  if (walk.head !== last.head)
    return {
      what: 'altered',
      number,
      message: `The head noted beside the audit trail is not that of record ${number}.`,
    }
  if (expect && expect.number > number) {
    const message = `The audit trail ends with record ${number}, and record ${expect.number} was expected: its end was cut off.`
    return { what: 'missing', number: number + 1, message }
  }
  const stray: { id: number } | undefined = await knex('audit_record').whereNull('number').orderBy('id').first('id')
  if (stray) {
    const message = `The row of audit_record with id ${stray.id} has no number: it was not written by Hansard.`
    return { what: 'added', number: null, message }
  }
  // One statement, so a record that is written in this moment is seen with its number, or neither is.
  const newest = knex('audit_record').max('number').as('newest')
  const now = await knex('audit_chain').where({ id: 1 }).first('last_number', newest)
  if (now && Number(now.newest ?? 0) > now.last_number) {
    const first = now.last_number + 1
    const message = `Record ${first} of the audit trail was not written by Hansard: numbers end at ${now.last_number}.`
    return { what: 'added', number: first, message }
  }
  return null
}

async function chainRow(knex: Knex): Promise<{ genesis: Head; last_number: number; head: Head } | undefined> {
  return knex('audit_chain').where({ id: 1 }).first('genesis', 'last_number', 'head')
}
