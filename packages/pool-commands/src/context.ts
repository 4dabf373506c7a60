import type { Bus } from '@hansard/bus'
import type { ChangeValue } from '@hansard/compliance-event'
import type { Actor, ChangeEvent, ChangeWork, Principal, RecordWriter } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
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
  /** the notice that members of a room are pushed when a chat was replaced (`text`) or purged (no `text`) */
  readonly chatChangedFrame: (change: { room: string; chat: number; text?: string | undefined }) => string
}

/** Who makes a change: a user, or the pool itself. */
export type Maker = Actor & Partial<Pick<Principal, 'roles'>>

/** What commands are put together from. */
export type Context = PoolCommandsOptions & {
  /** Makes a change; what it refuses becomes a `Result`. */
  make<T>(work: ChangeWork<T>): Promise<Result<T>>
}

export function createContext(options: PoolCommandsOptions): Context {
  return {
    ...options,
    async make(work) {
      try {
        return { ok: true, value: await options.writer.change(work) }
      } catch (error) {
        if (!(error instanceof ChangeRefused)) throw error
        return { ok: false, refusal: error.refusal, message: error.message }
      }
    },
  }
}

export function isAdministrator(who: Maker): boolean {
  return who.roles?.includes('administrator') ?? false
}

export function requireAdministrator(who: Maker): void {
  if (!isAdministrator(who)) throw new ChangeRefused('not-an-administrator', 'Only administrators may do this.')
}

export type Properties = Record<string, ChangeValue>
export type Subject = Extract<ChangeEvent['detail'], { kind: 'change' }>['subject']

/**
 * The event or events of a change. A list of more than 500 entries is told by several, so that an event stays an
 * event: the first carries everything else.
 */
export function changeEvents(options: {
  roomId: number
  by: Maker
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
    detail: { kind: 'change', action: index === 0 ? action : 'changed', subject, ...told },
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
