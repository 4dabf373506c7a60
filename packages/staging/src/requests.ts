import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import { appendAudit } from './audit.ts'

/** A request to the worker: accepted at once, carried out in its turn by the holder of the lease. */
export type RequestDetail =
  | {
      readonly kind: 'seal'
      /**
       * the newest interval that was closed before the request was made: none up to it contains what was said before.
       * Absent from a request made by a version that did not record it
       */
      readonly closedThrough?: number
    }
  | { readonly kind: 'replay'; readonly adapter: string; readonly number: number }
  | { readonly kind: 'quarantine-retry' }
  /** checks every sealed file against its hash */
  | { readonly kind: 'check' }
  /** writes the sealed bytes of an export again */
  | { readonly kind: 'restore'; readonly adapter: string; readonly number: number }

export type WorkRequest = RequestDetail & {
  readonly id: number
  readonly state: 'waiting' | 'done' | 'failed'
  readonly result: unknown
  /** why it failed, or what it is waiting for */
  readonly reason: string | null
  readonly requestedBy: string
  readonly requestedAt: number
  readonly answeredAt: number | null
}

/** Accepts a request, with its audit record, and returns its number. */
export async function addRequest(
  db: Database,
  { request, requestedBy, now }: { request: RequestDetail; requestedBy: string; now: number },
): Promise<number> {
  return db.knex.transaction(async (tx) => {
    const { kind, ...detail } = request
    const [row] = await tx('request')
      .insert({
        kind,
        detail: JSON.stringify(detail),
        state: 'waiting',
        requested_by: requestedBy,
        requested_at: now,
      })
      .returning('id')
    const object = 'adapter' in request ? `${request.adapter}/${request.number}` : 'pool'
    await appendAudit(tx, { at: now, actor: requestedBy, action: kind, object, detail: { request: row.id } })
    return row.id as number
  })
}

export async function findRequest(db: Database, id: number): Promise<WorkRequest | undefined> {
  const row = await db.knex('request').where({ id }).first()
  return row && parseRequest(row)
}

/** In the order they were made. */
export async function waitingRequests(db: Database): Promise<WorkRequest[]> {
  const rows: RequestRow[] = await db.knex('request').where({ state: 'waiting' }).orderBy('id')
  return rows.map(parseRequest)
}

/**
 * Whether the worker has anything to do: waiting requests, and the version of the compliance configuration. One
 * statement.
 */
export async function readAsked(db: Database): Promise<{ requests: number; version: number }> {
  const waiting = db.knex('request').where({ state: 'waiting' }).count('*').as('requests')
  const row = await db.knex('compliance_configuration_state').where({ id: 1 }).first('version', waiting)
  return { requests: Number(row.requests), version: row.version }
}

type Answer =
  | { readonly state: 'done'; readonly result: unknown }
  | { readonly state: 'failed'; readonly reason: string }

export async function answerRequest(
  db: Database,
  lease: Lease,
  { id, answer, now }: { id: number; answer: Answer; now: number },
): Promise<void> {
  await underLease(db, lease, (tx) => writeAnswer(tx, { id, answer, now }))
}

/** @internal The transaction and the lease are the caller's. */
export async function writeAnswer(
  tx: Knex,
  { id, answer, now }: { id: number; answer: Answer; now: number },
): Promise<void> {
  await tx('request')
    .where({ id, state: 'waiting' })
    .update({
      state: answer.state,
      result: answer.state === 'done' ? JSON.stringify(answer.result) : null,
      reason: answer.state === 'failed' ? answer.reason : null,
      answered_at: now,
    })
}

/** Records what the request is waiting for. */
export async function noteWaiting(
  db: Database,
  lease: Lease,
  { id, reason }: { id: number; reason: string | null },
): Promise<void> {
  await underLease(db, lease, async (tx) => {
    await tx('request').where({ id, state: 'waiting' }).update({ reason })
  })
}

type RequestRow = {
  id: number
  kind: WorkRequest['kind']
  detail: string
  state: WorkRequest['state']
  result: string | null
  reason: string | null
  requested_by: string
  requested_at: number
  answered_at: number | null
}

function parseRequest(row: RequestRow): WorkRequest {
  const detail = { kind: row.kind, ...(JSON.parse(row.detail) as object) } as RequestDetail
  return {
    ...detail,
    id: row.id,
    state: row.state,
    result: row.result === null ? null : (JSON.parse(row.result) as unknown),
    reason: row.reason,
    requestedBy: row.requested_by,
    requestedAt: row.requested_at,
    answeredAt: row.answered_at,
  }
}
