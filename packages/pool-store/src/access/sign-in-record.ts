import { type Clock, systemClock } from '@hansard/clock'
import { isKeyShaped } from '@hansard/credentials'
import { coalesce } from '@hansard/lifecycle'
import type { SignInOutcome } from '@hansard/rooms'
import { type Database, groupedTransaction, type Knex, withPostgres } from '@hansard/sql'

type SignInEvent = {
  readonly outcome: SignInOutcome
  /** as it was typed, or the name of the account that a session is of */
  readonly account: string
  readonly principalId?: number | undefined
  readonly remote?: string | undefined
  /** hash of a known device */
  readonly device?: string | undefined
  /** what was refused, or done */
  readonly detail?: string | undefined
}

/**
 * The record of who signed in and who could not, in the pool database and in the log.
 *
 * Who signs in is on record before they are answered. Failures and refusals are recorded within a second, equal ones as
 * one row with a count: somebody who sends thousands of them fills neither the database nor the log.
 */
export type SignInRecord = {
  /** Resolves when the event is in the database. */
  put(event: SignInEvent): Promise<void>
  note(event: SignInEvent): void
  /** Records what was noted. */
  stop(): Promise<void>
}

type RecordLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

const NOTE_WITHIN_MS = 1_000
/** Minimum milliseconds between two writes, in real time: this is about the database. */
const GATHER_MS = 5
/** Different failures that are told apart within that time. */
const NOTED_MAX = 100
const RETRY_MS = 5_000

type Entry = { readonly row: Omit<SignInEventRow, 'id' | 'count'>; count: number }

export function createSignInRecord({
  db,
  clock,
  log,
  service,
}: {
  db: Database
  clock: Clock
  log: RecordLog
  service: string
}): SignInRecord {
  let waiting = new Map<string, Entry>()
  let timer: { cancel(): void } | undefined
  let stopped = false
  let writtenAt = Number.NEGATIVE_INFINITY

  const add = (event: SignInEvent) => {
    const row = rowOf(event, { service, at: clock.now() })
    const key = JSON.stringify([row.outcome, row.account, row.principal_id, row.remote, row.device, row.detail])
    const known = waiting.get(key)
    if (known) known.count += 1
    else waiting.set(key, { row, count: 1 })
  }

  const write = coalesce(async () => {
    timer?.cancel()
    timer = undefined
    writtenAt = systemClock.now()
    const entries = [...waiting.values()]
    waiting = new Map()
    if (entries.length === 0) return
    try {
      await insertEvents(
        db,
        entries.map(({ row, count }) => ({ ...row, count })),
      )
    } catch (error) {
      // Kept for the next time, as far as there is room. Who could not be put on record was not signed in.
      const noted = entries
        .filter(({ row }) => row.outcome !== 'signed-in' && row.outcome !== 'proved')
        .slice(0, NOTED_MAX)
      for (const [at, entry] of noted.entries()) waiting.set(`kept ${entry.row.at} ${at}`, entry)
      later(RETRY_MS)
      throw error
    }
    for (const { row, count } of entries) tell(log, row, count)
  })

  const later = (ms: number) => {
    if (stopped) return
    timer ??= clock.after(ms, () => {
      timer = undefined
      write().catch((error) => log.warn({ err: error }, 'sign-ins could not be recorded; trying again'))
    })
  }

  /** In a crowd, sign-ins share a statement of PostgreSQL: they wait a moment for each other. */
  const gather = async () => {
    const elapsed = systemClock.now() - writtenAt
    if (db.dialect === 'postgres' && elapsed >= 0 && elapsed < GATHER_MS) await systemClock.sleep(GATHER_MS - elapsed)
  }

  return {
    async put(event) {
      await gather()
      // In one tick: the write that this call waits for is the one that takes its event.
      add(event)
      await write()
    },
    note(event) {
      if (waiting.size < NOTED_MAX) add(event)
      else add({ outcome: 'more-failures', account: '' })
      later(NOTE_WITHIN_MS)
    },
    async stop() {
      stopped = true
      await write().catch((error) => log.warn({ err: error }, 'sign-ins could not be recorded'))
      timer?.cancel()
    },
  }
}

async function insertEvents(db: Database, rows: readonly Omit<SignInEventRow, 'id'>[]): Promise<void> {
  if (db.dialect === 'sqlite') return groupedTransaction(db, (tx) => tx('sign_in_event').insert(rows))
  await withPostgres(db, (client) =>
    client.query({
      name: 'insert-sign-in-events',
      text: `insert into sign_in_event (at, service, outcome, account, principal_id, remote, device, detail, count)
             select * from unnest($1::int8[], $2::text[], $3::text[], $4::text[], $5::int[], $6::text[], $7::text[],
               $8::text[], $9::int[])`,
      values: [
        rows.map((row) => row.at),
        rows.map((row) => row.service),
        rows.map((row) => row.outcome),
        rows.map((row) => row.account),
        rows.map((row) => row.principal_id),
        rows.map((row) => row.remote),
        rows.map((row) => row.device),
        rows.map((row) => row.detail),
        rows.map((row) => row.count),
      ],
    }),
  )
}

function tell(log: RecordLog, row: Entry['row'], count: number): void {
  const { outcome, account, remote, device, detail } = row
  const fields = { outcome, account, remote, device: device.slice(0, 8), ...(detail ? { detail } : {}), count }
  const usual =
    outcome === 'signed-in' || outcome === 'proved' || outcome === 'signed-out' || outcome === 'session-expired'
  if (usual) log.info(fields, 'sign-in')
  else log.warn(fields, 'sign-in')
}

const TYPED_MAX = 64

function rowOf(event: SignInEvent, { service, at }: { service: string; at: number }): Entry['row'] {
  return {
    at,
    service,
    outcome: event.outcome,
    account: asTyped(event.account),
    principal_id: event.principalId ?? null,
    remote: asTyped(event.remote ?? ''),
    device: event.device ?? '',
    detail: asTyped(event.detail ?? ''),
  }
}

/**
 * What was typed as an account, safe to show: cut, and with everything that is not a printable ASCII character escaped.
 * Somebody may have typed a key into the wrong field: what has its form is not kept.
 */
function asTyped(text: string): string {
  if (isKeyShaped(text)) return '(a key)'
  const escaped = text
    .slice(0, TYPED_MAX)
    .replace(/[^\x20-\x5b\x5d-\x7e]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
  return text.length > TYPED_MAX ? `${escaped}...` : escaped
}

type RecordedSignIn = {
  readonly id: number
  readonly at: number
  readonly service: string
  readonly outcome: SignInOutcome
  readonly account: string
  readonly remote: string
  readonly device: string
  readonly detail: string
  readonly count: number
}

/** The newest first: those before `before`, an id. */
export async function listSignIns(
  db: Database,
  asked: {
    account?: string | undefined
    outcome?: SignInOutcome | undefined
    from?: number | undefined
    /** before this moment */
    to?: number | undefined
    before?: number | undefined
    limit: number
  },
): Promise<readonly RecordedSignIn[]> {
  const query = db.knex('sign_in_event').orderBy('id', 'desc').limit(asked.limit)
  if (asked.account !== undefined) query.where({ account: asTyped(asked.account) })
  if (asked.outcome !== undefined) query.where({ outcome: asked.outcome })
  if (asked.from !== undefined) query.where('at', '>=', asked.from)
  if (asked.to !== undefined) query.where('at', '<', asked.to)
  if (asked.before !== undefined) query.where('id', '<', asked.before)
  const rows: SignInEventRow[] = await query
  return rows.map(({ principal_id: _, ...row }) => ({ ...row, device: row.device.slice(0, 8) }))
}

const FORGET_AT_ONCE = 10_000

/** Forgets what is older than `before`, in small transactions; answers how many rows. */
export async function forgetSignIns(knex: Knex, before: number): Promise<number> {
  let forgotten = 0
  for (;;) {
    const old = knex('sign_in_event').where('at', '<', before).orderBy('id').limit(FORGET_AT_ONCE).select('id')
    const rows: number = await knex('sign_in_event').whereIn('id', old).delete()
    forgotten += rows
    if (rows < FORGET_AT_ONCE) return forgotten
  }
}

type SignInEventRow = {
  id: number
  at: number
  service: string
  outcome: SignInOutcome
  account: string
  principal_id: number | null
  remote: string
  device: string
  detail: string
  count: number
}
