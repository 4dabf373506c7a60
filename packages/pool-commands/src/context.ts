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
  /** sender name on the bus: `<source>/<epoch>` */
  readonly from: string
  readonly domain: string
  /** the row under which changes that concern no room are recorded: `poolSettings` */
  readonly poolRoomId: number
}

/** The actor of a change: a user, or the pool itself. */
export type CommandActor = Actor & Partial<Pick<Principal, 'roles'>>

/** What commands are built on. */
export type Context = PoolCommandsOptions & {
  /**
   * Makes a change of rooms, users or settings; a refusal becomes a `Result`. Such changes run one after another in
   * the whole pool: what they depend on (scopes, nested groups, unused names, the remaining administrators) is spread
   * over many rows that no other lock covers together.
   */
  make<T>(by: CommandActor, work: CommandWork<T>): Promise<Result<T>>
  /**
   * The same, for a change that may bar a user from the pool or admit them again. Nobody joins or reads meanwhile, so
   * a barred user is in no room that the change did not see.
   */
  makeBarring<T>(by: CommandActor, work: CommandWork<T>): Promise<Result<T>>
  /**
   * Makes a change within one room, which `work` locks. Such changes do not wait for each other, but they are ordered
   * with the others: what a user does under a role is on record before the role is revoked, or not at all.
   */
  makeInRoom<T>(by: CommandActor, work: CommandWork<T>): Promise<Result<T>>
}

/** `by`: the actor as of this transaction, whatever the entry point believed. */
type CommandWork<T> = (by: CommandActor, tx: Knex.Transaction, at: number) => Promise<Made<T>>

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

/** Thrown at the end of a dry run: nothing is kept, and the caller gets what would have changed. */
export class Rehearsed extends Error {
  override name = 'Rehearsed'
  readonly outcome: unknown
  constructor(outcome: unknown) {
    super('The change was a dry run.')
    this.outcome = outcome
  }
}

const ATTEMPTS = 4

/** Whether the database rolled a transaction back in favour of another one, so that a retry may succeed. */
function wasUndone(error: unknown): boolean {
  const cause = error instanceof RecordUnavailable ? error.cause : error
  const { code } = (cause ?? {}) as { code?: unknown }
  return code === '40P01' || code === '40001' || isUniqueViolation(cause)
}

async function shareChanges(tx: Knex.Transaction): Promise<void> {
  await tx('pool_setting').where({ name: 'pool-room' }).forShare().first('name')
}

/** The actor of a change, with current roles: the entry point may not know yet that one was revoked. */
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
 * The event or events of a change. A list of more than 500 entries is split over several, to bound the size of an
 * event: the first carries everything else. The others are changes, or deletions if the first is a deletion, so a
 * consumer never meets a change of a deleted subject.
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

/** The properties that differ, in the form of a change event; undefined when none does. */
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
