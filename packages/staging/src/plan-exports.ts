import { yieldToEventLoop } from '@hansard/lifecycle'
import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import type { Export } from './exports.ts'
import { oneNumber } from './one-number.ts'

/**
 * Planning: creates an adapter's exports of closed intervals, and binds each event to one of them.
 *
 * Closing the interval decides which events belong to an export: a range of numbers per source, and the late events
 * of this interval. Planning only carries that out, so it may be interrupted anywhere, and an adapter that is a week
 * behind plans the same exports as one that is not. The primary key of `compliance_fanout` guarantees that an adapter
 * never exports an event twice; a violation is an error here, never ignored.
 */

type NewAdapter = { readonly name: string; readonly exportFrom?: number | undefined }

/**
 * Registers adapters. A new one begins with the interval that closes next, or with the one that holds `exportFrom`:
 * everything that was ever staged is still there. `exportFrom` counts as long as the series has no export.
 */
export async function registerAdapters(db: Database, lease: Lease, adapters: readonly NewAdapter[]): Promise<void> {
  const names = adapters.map(({ name }) => name)
  const known: { adapter: string; exported_through: number }[] = await db
    .knex('adapter_state')
    .whereIn('adapter', names)
    .select('adapter', 'exported_through')
  const due: NewAdapter[] = []
  for (const each of adapters) {
    const state = known.find(({ adapter }) => adapter === each.name)
    if (!state || (each.exportFrom !== undefined && state.exported_through > 0 && !(await hasExports(db, each.name))))
      due.push(each)
  }
  if (due.length === 0) return
  await underLease(db, lease, async (tx) => {
    const last = (await oneNumber(tx('closed_interval').max('number'))) ?? 0
    for (const { name: adapter, exportFrom } of due) {
      const before = tx('closed_interval').where('ends_at', '<=', exportFrom ?? 0)
      const exported_through = exportFrom === undefined ? last : ((await oneNumber(before.max('number'))) ?? 0)
      await tx('adapter_state').insert({ adapter, exported_through }).onConflict('adapter').merge(['exported_through'])
    }
  })
}

/** Whether the series has begun: then its past is fixed. */
export async function hasExports(db: Database, adapter: string): Promise<boolean> {
  return (await db.knex('export').where({ adapter }).first('id')) !== undefined
}

/** An export of an adapter that is sealed on disk. */
type SealedWindow = Pick<Export, 'number' | 'kind' | 'startsAt' | 'endsAt'>

/**
 * Creates the adapter's exports of its next closed interval. False when it has an export of every closed interval.
 * Where this interval is sealed on disk, `sealed` names its exports, and no others are created.
 */
export async function numberExports(
  db: Database,
  lease: Lease,
  { adapter, now, sealed = [] }: { adapter: string; now: number; sealed?: readonly SealedWindow[] },
): Promise<boolean> {
  return underLease(db, lease, async (tx) => {
    const state = await tx('adapter_state').where({ adapter }).first('exported_through')
    if (!state) throw new Error(`The adapter ${adapter} is not registered.`)
    const interval = await tx('closed_interval')
      .where('number', '>', state.exported_through)
      .orderBy('number')
      .first('number', 'starts_at', 'ends_at')
    if (!interval) return false

    const last = (await oneNumber(tx('export').where({ adapter }).max('number'))) ?? 0
    const windows = sealedAddenda(sealed, last, interval) ?? (await lateWindows(tx, interval))
    const rows = [
      ...windows.map((window) => ({ kind: 'addendum', ...window })),
      { kind: 'interval', starts_at: interval.starts_at, ends_at: interval.ends_at },
    ].map((row, index) => ({
      ...row,
      adapter,
      number: last + 1 + index,
      interval_number: interval.number,
      state: 'planning',
      events: 0,
      planned_at: now,
    }))
    for (const row of rows) await tx('export').insert(row)
    await tx('adapter_state').where({ adapter }).update({ exported_through: interval.number })
    return true
  })
}

/** The addenda that lie on disk before this interval's export; undefined when that is not on disk. */
function sealedAddenda(
  sealed: readonly SealedWindow[],
  last: number,
  interval: { starts_at: number; ends_at: number },
): { starts_at: number; ends_at: number }[] | undefined {
  const byNumber = new Map(sealed.map((each) => [each.number, each]))
  const windows: { starts_at: number; ends_at: number }[] = []
  for (let number = last + 1; ; number++) {
    const each = byNumber.get(number)
    if (!each) return undefined
    if (each.kind === 'interval')
      return each.startsAt === interval.starts_at && each.endsAt === interval.ends_at ? windows : undefined
    windows.push({ starts_at: each.startsAt, ends_at: each.endsAt })
  }
}

/** The closed intervals that contain the stamps of this interval's late events: each gets its own addendum. */
export async function lateWindows(
  tx: Knex,
  interval: { number: number; starts_at: number; ends_at: number },
): Promise<{ starts_at: number; ends_at: number }[]> {
  const groups: { starts_at: number | null; first_at: number }[] = await tx
    .select('starts_at')
    .min('at as first_at')
    .from(
      tx('staged_event')
        .whereRaw('late_in > 0')
        .andWhere('late_in', interval.number)
        .select(
          'at',
          tx.raw('(select max(starts_at) from closed_interval where starts_at <= staged_event.at) as starts_at'),
        )
        .as('late'),
    )
    .groupBy('starts_at')
    .orderBy('starts_at')
  const windows = new Map<number, { starts_at: number; ends_at: number }>()
  for (const { starts_at, first_at } of groups) {
    const window = await windowOf(tx, interval, starts_at, first_at)
    windows.set(window.starts_at, window)
  }
  return [...windows.values()].sort((a, b) => a.starts_at - b.starts_at)
}

async function windowOf(
  tx: Knex,
  interval: { starts_at: number; ends_at: number },
  startsAt: number | null,
  firstAt: number,
): Promise<{ starts_at: number; ends_at: number }> {
  if (startsAt === null) {
    // Stamped before the first interval: gets a window of its own, which begins at the full minute.
    const first = (await oneNumber(tx('closed_interval').min('starts_at'))) ?? interval.starts_at
    return { starts_at: Math.floor(firstAt / 60_000) * 60_000, ends_at: first }
  }
  if (startsAt >= interval.starts_at) return { starts_at: interval.starts_at, ends_at: interval.ends_at }
  const row = await tx('closed_interval').where({ starts_at: startsAt }).first('starts_at', 'ends_at')
  return row
}

/** events bound per transaction: staging waits for it */
const PAGE = 2_000

/** Binds the events of an export in state `planning`, page by page, and then marks it `planned`. */
export async function bindEvents(db: Database, lease: Lease, planning: Export): Promise<Export> {
  if (planning.state !== 'planning') return planning
  if (planning.kind === 'interval') {
    const ranges: { source_id: number; after_seq: number; through_seq: number }[] = await db
      .knex('closed_interval_source')
      .where({ interval_number: planning.intervalNumber })
      .andWhereRaw('through_seq > after_seq')
      .orderBy('source_id')
      .select('source_id', 'after_seq', 'through_seq')
    for (const range of ranges) await bindRange(db, lease, planning, range)
  } else {
    await bindLate(db, lease, planning)
  }
  const events = await underLease(db, lease, async (tx) => {
    const events = (await oneNumber(tx('compliance_fanout').where({ export_id: planning.id }).count())) ?? 0
    await tx('export').where({ id: planning.id, state: 'planning' }).update({ state: 'planned', events })
    return events
  })
  return { ...planning, state: 'planned', events }
}

async function bindRange(
  db: Database,
  lease: Lease,
  { id, adapter }: Export,
  range: { source_id: number; after_seq: number; through_seq: number },
): Promise<void> {
  // A run that died committed whole pages: all numbers up to the last bound one are bound.
  const bound = await oneNumber(
    db
      .knex('compliance_fanout')
      .where({ adapter, source_id: range.source_id })
      .andWhere('seq', '>', range.after_seq)
      .andWhere('seq', '<=', range.through_seq)
      .andWhere('export_id', id)
      .max('seq'),
  )
  for (let after = bound ?? range.after_seq; after < range.through_seq; after += PAGE) {
    const through = Math.min(after + PAGE, range.through_seq)
    await yieldToEventLoop()
    await underLease(db, lease, (tx) =>
      tx.raw(
        `insert into compliance_fanout (adapter, source_id, seq, export_id, room_id, room_seq)
         select ?, source_id, seq, ?, room_id, room_seq from staged_event
         where source_id = ? and seq > ? and seq <= ? and late_in = 0`,
        [adapter, id, range.source_id, after, through],
      ),
    )
  }
}

async function bindLate(db: Database, lease: Lease, planning: Export): Promise<void> {
  const { id, adapter, intervalNumber } = planning
  // The interval's own late events are those of its window and later: see `windowOf`.
  const interval = await db.knex('closed_interval').where({ number: intervalNumber }).first('starts_at')
  const endsAt = planning.startsAt === interval.starts_at ? Number.MAX_SAFE_INTEGER : planning.endsAt
  for (let bound = PAGE; bound === PAGE; ) {
    await yieldToEventLoop()
    bound = await underLease(db, lease, async (tx) => {
      const rows = await tx('staged_event as e')
        .whereRaw('e.late_in > 0')
        .andWhere('e.late_in', intervalNumber)
        .andWhere('e.at', '>=', planning.startsAt)
        .andWhere('e.at', '<', endsAt)
        .whereNotExists(
          tx('compliance_fanout as f')
            .whereRaw('f.source_id = e.source_id and f.seq = e.seq')
            .andWhere({ 'f.adapter': adapter, 'f.export_id': id })
            .select(tx.raw('1')),
        )
        .orderBy(['e.source_id', 'e.seq'])
        .limit(PAGE)
        .select('e.source_id', 'e.seq', 'e.room_id', 'e.room_seq')
      const fanout = rows.map((row) => ({ ...row, adapter, export_id: id }))
      for (let from = 0; from < fanout.length; from += 100) {
        await tx('compliance_fanout').insert(fanout.slice(from, from + 100))
      }
      return rows.length
    })
  }
}
