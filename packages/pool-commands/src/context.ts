import type { Bus } from '@hansard/bus'
import type { ChangeValue } from '@hansard/compliance-event'
import {
  type Actor,
  type ChangeEvent,
  findPrincipal,
  holdAdmission,
  lockPoolChanges,
  type Made,
  type Principal,
  RecordUnavailable,
  type RecordWriter,
} from '@hansard/pool-store'
import { type Database, isTransient, isUniqueViolation, type Knex } from '@hansard/sql'
import { ChangeRefused, type Result } from './result.ts'

export type PoolCommandsOptions = {
  readonly db: Database
  readonly writer: RecordWriter
  readonly bus: Bus
  /** who speaks on the bus: `<source>/<epoch>` */
  readonly from: string
  readonly domain: string
  /** the row under which changes that concern no room are recorded: `poolSettings` */
  readonly poolRoomId: number
}

/** Who makes a change: a user, or the pool itself. */
export type CommandActor = Actor & Partial<Pick<Principal, 'roles'>>

/** What commands are put together from. */
export type Context = PoolCommandsOptions & {
  /**
   * Makes a change of what rooms, people and settings are; what it refuses becomes a `Result`. Such changes are made one
   * after the other in the whole pool: what one decides by (scopes, groups nested in groups, free names, who still
   * administers) is spread over many rows that no other lock holds together.
   */
  make<T>(by: CommandActor, work: CommandWork<T>): Promise<Result<T>>
  /**
   * The same, for a change that may bar somebody from the pool or let them in again. Nobody comes into a room or looks
   * while it is made, so that whom it bars is in no room that it did not see them in.
   */
  makeBarring<T>(by: CommandActor, work: CommandWork<T>): Promise<Result<T>>
  /**
   * Makes a change within one room, which `work` locks. Such changes wait for none of their kind, but they and the others
   * have an order: what somebody does by a role is on record before the role is taken, or not at all.
   */
  makeInRoom<T>(by: CommandActor, work: CommandWork<T>): Promise<Result<T>>
}

/** `by`: the maker as the pool knows them in this transaction, whatever the door believed. */
export type CommandWork<T> = (by: CommandActor, tx: Knex.Transaction, at: number) => Promise<Made<T>>

export function createContext(options: PoolCommandsOptions): Context {
  const make = async <T>(by: CommandActor, work: CommandWork<T>, lock: (tx: Knex.Transaction) => Promise<unknown>) => {
    for (let attempt = 1; ; attempt += 1) {
      try {
        const value = await options.writer.change(async (tx, at) => {
          await lock(tx)
          return work(await asOfNow(tx, by), tx, at)
        })
        return { ok: true as const, value }
      } catch (error) {
        if (error instanceof Rehearsed) return { ok: true as const, value: error.outcome as T }
        if (error instanceof ChangeRefused) {
          return { ok: false as const, refusal: error.refusal, message: error.message }
        }
        if (attempt < ATTEMPTS && wasUndone(error)) continue
        if (error instanceof RecordUnavailable || !isTransient(error)) throw error
        throw new RecordUnavailable('The pool database cannot be written to just now.', { cause: error })
      }
    }
  }
  return {
    ...options,
    make: (by, work) => make(by, work, lockPoolChanges),
    makeBarring: (by, work) =>
      make(by, work, async (tx) => {
        await holdAdmission(tx, options.db.dialect)
        await lockPoolChanges(tx)
      }),
    makeInRoom: (by, work) => make(by, work, shareChanges),
  }
}

/** Thrown inside a change that is only tried: nothing of it is kept, and the caller gets what would have come of it. */
export class Rehearsed extends Error {
  override name = 'Rehearsed'
  readonly outcome: unknown
  constructor(outcome: unknown) {
    super('The change was only tried.')
    this.outcome = outcome
  }
}

const ATTEMPTS = 4

/** Whether the database took a transaction back because of another: then it may be made again, and now succeed. */
function wasUndone(error: unknown): boolean {
  const cause = error instanceof RecordUnavailable ? error.cause : error
  const { code } = (cause ?? {}) as { code?: unknown }
  return code === '40P01' || code === '40001' || isUniqueViolation(cause)
}

async function shareChanges(tx: Knex.Transaction): Promise<void> {
  await tx('pool_setting').where({ name: 'pool-room' }).forShare().first('name')
}

/** Who makes a change, with the roles they hold now: their door may not have heard yet that it took them away. */
async function asOfNow(tx: Knex.Transaction, by: CommandActor): Promise<CommandActor> {
  if (by.id === 0) return by
  const found = await findPrincipal(tx, { id: by.id })
  if (!found || found.disabled) throw new ChangeRefused('not-an-administrator', 'The account is disabled.')
  const { id, uri, name, email, internal, roles } = found
  return { id, uri, name, email, internal, roles }
}

export function isAdministrator(who: CommandActor): boolean {
  return who.roles?.includes('administrator') ?? false
}

export function requireAdministrator(who: CommandActor): void {
  if (!isAdministrator(who)) throw new ChangeRefused('not-an-administrator', 'Only administrators may do this.')
}

export type Properties = Record<string, ChangeValue>
export type Subject = Extract<ChangeEvent['detail'], { kind: 'change' }>['subject']

/**
 * The event or events of a change. A list of more than 500 entries is told by several, so that an event stays an
 * event: the first carries everything else. The others are changes, but those of a deletion are deletions too: whoever
 * applies them never meets a change of what is gone already.
 */
export function changeEvents(options: {
  roomId: number
  by: CommandActor
  action: 'created' | 'changed' | 'deleted'
  subject: Subject
  before?: Properties
  after?: Properties
}): ChangeEvent[] {
  const { roomId, by, action, subject, before = {}, after = {} } = options
  const first = { before: {} as Properties, after: {} as Properties }
  const more: { before: Properties; after: Properties }[] = []
  for (const side of ['before', 'after'] as const) {
    for (const [name, value] of Object.entries(side === 'before' ? before : after)) {
      if (!Array.isArray(value) || value.length <= ENTRIES_MAX) {
        first[side][name] = value
        continue
      }
      first[side][name] = value.slice(0, ENTRIES_MAX)
      for (let from = ENTRIES_MAX; from < value.length; from += ENTRIES_MAX) {
        const rest = { before: {}, after: {}, [side]: { [name]: value.slice(from, from + ENTRIES_MAX) } }
        more.push(rest as { before: Properties; after: Properties })
      }
    }
  }
  const event = (told: { before: Properties; after: Properties }, index: number): ChangeEvent => ({
    roomId,
    principal: by,
    detail: { kind: 'change', action: action === 'deleted' || index === 0 ? action : 'changed', subject, ...told },
  })
  return [first, ...more].map(event)
}

const ENTRIES_MAX = 500

/** The properties that differ, as a change tells them; undefined when none does. */
export function difference(
  before: Properties,
  after: Partial<Properties>,
): { before: Properties; after: Properties } | undefined {
  const told = { before: {} as Properties, after: {} as Properties }
  for (const [name, value] of Object.entries(after)) {
    if (value === undefined || before[name] === value) continue
    told.before[name] = before[name] ?? null
    told.after[name] = value
  }
  return Object.keys(told.after).length > 0 ? told : undefined
}
