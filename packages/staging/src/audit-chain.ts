import { type Head, nextHead } from '@hansard/compliance-event'
import type { Database, Knex } from '@hansard/sql'
import { type AuditRow, leafOfAudit } from './audit.ts'

/**
 * Recomputes the chain of the audit trail.
 *
 * What it proves: no record was altered, added, removed or moved by somebody who did not also recompute every head
 * after it and the row of `audit_chain`. Anybody who may write to the whole compliance database can do that, so it also
 * compares with the heads that every interval's signed pool manifest holds (`heads`), and with one that somebody noted
 * elsewhere (`expect`).
 */
export type AuditProblem = {
  readonly what: 'altered' | 'missing' | 'added' | 'unexpected'
  /** the first record concerned; null for a record without a number */
  readonly number: number | null
  readonly message: string
}

export type AuditVerdict = {
  /** records that were recomputed */
  readonly records: number
  /** the head after them */
  readonly head: Head
  readonly problem: AuditProblem | null
}

/** A number and the head after it, as somebody noted them. */
export type AuditMark = { readonly number: number; readonly head: Head }

/** Recomputes the whole chain. Records that are added meanwhile are not part of it. */
export async function verifyAudit(
  db: Database,
  { expect, heads = sealedHeads }: { expect?: AuditMark | undefined; heads?: SealedHeads } = {},
): Promise<AuditVerdict> {
  const walk = startAuditWalk()
  for (;;) {
    const step = await stepAuditWalk(db, walk, { recordsMax: BATCH, expect, heads })
    if (step.ended) return step.verdict
  }
}

/** The head of the audit trail that pool manifests hold: `interval` is the first of those with this head. */
export type SealedHead = AuditMark & { readonly interval: number }
/** Reads the heads after records `after` + 1 to `through`, or says what is wrong with a pool manifest. */
export type SealedHeads = (
  db: Database,
  range: { readonly after: number; readonly through: number },
) => Promise<readonly SealedHead[] | AuditProblem>

/** As the compliance database has them: no signature is verified. */
export const sealedHeads = async (
  db: Database,
  { after, through }: { after: number; through: number },
): Promise<SealedHead[]> => {
  const rows: { audit_number: number; audit_head: string; interval: number }[] = await db
    .knex('pool_manifest')
    .where('audit_number', '>', after)
    .andWhere('audit_number', '<=', through)
    .groupBy('audit_number', 'audit_head')
    .orderBy(['audit_number', 'interval'])
    .select('audit_number', 'audit_head')
    .min('number as interval')
  return rows.map(({ audit_number: number, audit_head: head, interval }) => ({
    number,
    head,
    interval: Number(interval),
  }))
}

/** The newest head that a pool manifest holds. */
async function newestSealedHead(db: Database): Promise<SealedHead | undefined> {
  const row: { audit_number: number; audit_head: string; number: number } | undefined = await db
    .knex('pool_manifest')
    .whereNotNull('audit_number')
    .orderBy('audit_number', 'desc')
    .orderBy('number', 'desc')
    .first('audit_number', 'audit_head', 'number')
  return row && { number: row.audit_number, head: row.audit_head, interval: row.number }
}

/** Where the audit trail is now; undefined when the row that continues it was removed. */
export async function auditHead(db: Database): Promise<AuditMark | undefined> {
  const chain = await chainRow(db.knex)
  return chain && { number: chain.last_number, head: chain.head }
}

/** records that are read at once */
const BATCH = 1_000

/** Where a verification has come to. It is at the beginning again after a step that ended it. */
type AuditWalk = {
  number: number
  head: Head
  end: AuditMark | undefined
  /** of the pool manifests when the walk began */
  newest: SealedHead | undefined
}

export function startAuditWalk(): AuditWalk {
  return { number: 0, head: '', end: undefined, newest: undefined }
}

type Step = { readonly ended: false } | { readonly ended: true; readonly verdict: AuditVerdict }

/** Recomputes at most `recordsMax` further records. */
export async function stepAuditWalk(
  db: Database,
  walk: AuditWalk,
  {
    recordsMax,
    expect,
    heads = sealedHeads,
  }: { recordsMax: number; expect?: AuditMark | undefined; heads?: SealedHeads },
): Promise<Step> {
  const end = (problem: AuditProblem | null): Step => {
    const verdict = { records: walk.number, head: walk.head, problem }
    Object.assign(walk, startAuditWalk())
    return { ended: true, verdict }
  }
  if (walk.end === undefined) {
    // Read first: a pool manifest that is sealed meanwhile may hold a record that is not part of this walk.
    const newest = await newestSealedHead(db)
    const chain = await chainRow(db.knex)
    if (!chain) return end({ what: 'missing', number: null, message: 'The row of audit_chain was removed.' })
    Object.assign(walk, { number: 0, head: chain.genesis, newest })
    walk.end = { number: chain.last_number, head: chain.head }
    const begun = await heads(db, { after: -1, through: 0 })
    const problem = 'what' in begun ? begun : rewritten(walk, begun)
    if (problem) return end(problem)
  }
  const last = walk.end!
  const rows: AuditRow[] = await db
    .knex('audit_record')
    .where('number', '>', walk.number)
    .andWhere('number', '<=', last.number)
    .orderBy('number')
    .limit(recordsMax)
  const sealed = await heads(db, { after: walk.number, through: rows.at(-1)?.number ?? walk.number })
  if ('what' in sealed) return end(sealed)
  const byNumber = Map.groupBy(sealed, ({ number }) => number)
  for (const row of rows) {
    const problem = problemOf(row, walk) ?? unexpected(walk, expect) ?? rewritten(walk, byNumber.get(walk.number) ?? [])
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

function rewritten(walk: AuditWalk, sealed: readonly SealedHead[]): AuditProblem | undefined {
  const other = sealed.find(({ number, head }) => number === walk.number && head !== walk.head)
  if (!other) return undefined
  const { number } = walk
  const message =
    `The head after record ${number} is ${walk.head}, and the pool manifest of interval ${other.interval} has ` +
    `${other.head}: records up to it were rewritten.`
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
  if (walk.newest && walk.newest.number > number) {
    const { number: sealed, interval } = walk.newest
    const message =
      `The audit trail ends with record ${number}, and the pool manifest of interval ${interval} has record ${sealed}: ` +
      'its end was cut off.'
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
