import { type Clock, systemClock } from '@hansard/clock'
import { isKeyShaped } from '@hansard/credentials'
import { coalesce } from '@hansard/lifecycle'
import type { SignInOutcome } from '@hansard/rooms'
import type { Database, Dialect, Knex } from '@hansard/sql'
import type { Actor } from '../record/number-facts.ts'
import type { RecordWriter } from '../record/record-writer.ts'
import { beginSessions, endSessions } from './sessions.ts'
import { isRefusal, signInEvents } from './sign-in-events.ts'

export type SignInEvent = {
  readonly outcome: SignInOutcome
  /** as it was typed, or the name of the account that a session is of */
  readonly account: string
  /** who it was, if they proved it */
  readonly principal?: (Actor & { readonly credentialVersion: number }) | undefined
  /** whose account it is, if nobody proved anything */
  readonly principalId?: number | undefined
  readonly remote?: string | undefined
  /** hash of a known device */
  readonly device?: string | undefined
  /** what was refused, or done */
  readonly detail?: string | undefined
  /** the session that begins or ends */
  readonly session?: { readonly id: string; readonly expiresAt: number } | undefined
  /** the channel service that the client is sent to */
  readonly assignedTo?: string | undefined
}

/**
 * The record of who signed in and who could not: compliance events, rows for operators, and the log.
 *
 * Who signs in or out is on record before they are answered: the event, the row and the state of the session commit in
 * one transaction (group commit). Refusals are recorded within a second. Somebody who sends thousands of them fills
 * neither the record nor the log: repeated ones are counted for a minute and recorded as one, and of different ones
 * 300 a minute are told apart; the others are only counted.
 */
export type SignInRecord = {
  /** Resolves when the event is on record. */
  put(event: SignInEvent): Promise<void>
  note(event: SignInEvent): void
  /** Records what was noted. Call it before the writer is stopped. */
  stop(): Promise<void>
}

type RecordLog = {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
}

const NOTE_WITHIN_MS = 1_000
/** Minimum milliseconds between two writes, in real time: this is about the database. */
const GATHER_MS = 5
/** Different events that are told apart within that time. */
const NOTED_MAX = 100
const RETRY_MS = 5_000
const REPEATS_WITHIN_MS = 60_000
/** Different refusals that are told apart within that time. */
const REFUSALS_MAX = 300

export type Entry = { readonly event: SignInEvent; readonly row: Omit<SignInEventRow, 'id' | 'count'>; count: number }

export function createSignInRecord({
  writer,
  dialect,
  clock,
  log,
  service,
  pool,
}: {
  writer: Pick<RecordWriter, 'change'>
  dialect: Dialect
  clock: Clock
  log: RecordLog
  service: string
  pool: { readonly domain: string; readonly poolRoomId: number }
}): SignInRecord {
  let waiting = new Map<string, Entry>()
  let timer: { cancel(): void } | undefined
  let minute: { cancel(): void } | undefined
  let stopped = false
  let writtenAt = Number.NEGATIVE_INFINITY
  /** refusals of this minute that are recorded, with how often they were repeated since */
  let refusals = new Map<string, Entry>()

  const entryOf = (event: SignInEvent, count = 1): Entry => ({
    event,
    row: rowOf(event, { service, at: clock.now() }),
    count,
  })

  const add = (entry: Entry) => {
    const key = keyOf(entry)
    const known = waiting.get(key)
    if (known) known.count += entry.count
    else waiting.set(key, entry)
  }

  const write = coalesce(async () => {
    timer?.cancel()
    timer = undefined
    writtenAt = systemClock.now()
    const entries = [...waiting.values()]
    waiting = new Map()
    if (entries.length === 0) return
    try {
      await writer.change(async (tx) => {
        await insertRows(
          tx,
          entries.map(({ row, count }) => ({ ...row, count })),
        )
        await beginSessions(tx, entries)
        const ended = await endSessions(tx, entries, clock.now())
        return { events: entries.flatMap((entry) => signInEvents(entry, { pool, ended })), rights: [], result: {} }
      })
    } catch (error) {
      // Kept for the next time, as far as there is room. Who could not be put on record was not signed in or out. If the
      // connection broke while committing, a refusal may be recorded twice.
      const noted = entries.filter(({ event }) => !IS_PUT.has(event.outcome)).slice(0, NOTED_MAX)
      for (const [at, entry] of noted.entries()) waiting.set(`kept ${entry.row.at} ${at}`, entry)
      later(RETRY_MS)
      throw error
    }
    for (const { row, count } of entries) tell(log, row, count)
  })

  const writeNoted = () =>
    write().catch((error) => log.warn({ err: error }, 'sign-ins could not be recorded; trying again'))

  const later = (ms: number) => {
    if (stopped) return
    timer ??= clock.after(ms, () => {
      timer = undefined
      void writeNoted()
    })
  }

  const takeRepeats = () => {
    minute?.cancel()
    minute = undefined
    for (const entry of refusals.values()) if (entry.count > 0) add(entry)
    refusals = new Map()
  }

  /** Whether this refusal was counted as a repeat. */
  const isRepeat = (entry: Entry): boolean => {
    const key = keyOf(entry)
    const known = refusals.get(key)
    if (known) {
      known.count += 1
      return true
    }
    refusals.set(key, { ...entry, count: 0 })
    if (!stopped) {
      minute ??= clock.after(REPEATS_WITHIN_MS, () => {
        takeRepeats()
        void writeNoted()
      })
    }
    return false
  }

  const noteRefusal = (event: SignInEvent) => {
    const entry = entryOf(event)
    const hasRoom = waiting.size < NOTED_MAX && refusals.size < REFUSALS_MAX
    const told = hasRoom || refusals.has(keyOf(entry)) ? entry : entryOf({ outcome: 'more-failures', account: '' })
    if (waiting.has(keyOf(told)) || !isRepeat(told)) add(told)
  }

  /** In a crowd, sign-ins share a transaction of PostgreSQL: they wait a moment for each other. */
  const gather = async () => {
    const elapsed = systemClock.now() - writtenAt
    if (dialect === 'postgres' && elapsed >= 0 && elapsed < GATHER_MS) await systemClock.sleep(GATHER_MS - elapsed)
  }

  return {
    async put(event) {
      await gather()
      // In one tick: the write that this call waits for is the one that takes its event.
      add(entryOf(event))
      await write()
    },
    note(event) {
      if (isRefusal(event.outcome)) noteRefusal(event)
      else add(entryOf(waiting.size < NOTED_MAX ? event : { outcome: 'more-failures', account: '' }))
      later(NOTE_WITHIN_MS)
    },
    async stop() {
      stopped = true
      takeRepeats()
      await write().catch((error) => log.warn({ err: error }, 'sign-ins could not be recorded'))
      timer?.cancel()
    },
  }
}

/** Outcomes that somebody waits for: `put`. */
const IS_PUT: ReadonlySet<SignInOutcome> = new Set(['signed-in', 'proved', 'signed-out'])

function keyOf({ event, row }: Entry): string {
  const { outcome, account, principal_id, remote, device, detail } = row
  return JSON.stringify([outcome, account, principal_id, remote, device, detail, event.session?.id])
}

async function insertRows(tx: Knex.Transaction, rows: readonly Omit<SignInEventRow, 'id'>[]): Promise<void> {
  for (let from = 0; from < rows.length; from += BATCH) await tx('sign_in_event').insert(rows.slice(from, from + BATCH))
}

// knex writes a multi-row insert for SQLite as a compound select, which has at most 500 terms.
const BATCH = 400

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
    principal_id: event.principal?.id ?? event.principalId ?? null,
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
