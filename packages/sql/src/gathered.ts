import { type Clock, systemClock, type Timer } from '@hansard/clock'
import type { Database } from './database.ts'
import { isTransient } from './errors.ts'

/**
 * Turns a read for many keys into one for a single key: concurrent calls share a statement.
 *
 * A statement costs far more than a row of its result, and users arrive in crowds: in the morning, and after a
 * restart. A read begins only after all calls that share it, so that no caller gets an older state.
 */
export function gathered<Key, Value>(
  read: (db: Database, keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
  /** real time: this is about the database */
  clock: Pick<Clock, 'now' | 'after'> = systemClock,
): (db: Database, key: Key) => Promise<Value | undefined> {
  type Asker = { readonly resolve: (value: Value | undefined) => void; readonly reject: (error: unknown) => void }
  type Line = {
    waiting: Map<Key, Asker[]>
    scheduled: boolean
    underWay: number
    begunAt: number
    /** starts the next read if the current ones hang */
    timer: Timer | undefined
    readonly gatherMs: number
  }
  const lines = new WeakMap<Database, Line>()

  /** Milliseconds until another read may begin; undefined: not before one ends. */
  const waitMs = ({ underWay, begunAt, gatherMs }: Line): number | undefined => {
    if (underWay >= UNDER_WAY_MAX) return undefined
    const elapsed = clock.now() - begunAt
    // A clock that was set back says nothing.
    return elapsed < 0 ? 0 : Math.max(0, (underWay === 0 ? gatherMs : SLOW_MS) - elapsed)
  }

  const lineOf = (db: Database): Line => {
    const known = lines.get(db)
    if (known) return known
    const line: Line = {
      waiting: new Map(),
      scheduled: false,
      underWay: 0,
      begunAt: Number.NEGATIVE_INFINITY,
      timer: undefined,
      gatherMs: db.dialect === 'postgres' ? GATHER_MS : 0,
    }
    lines.set(db, line)
    return line
  }

  const readFor = async (db: Database, asked: readonly (readonly [Key, Asker[]])[]): Promise<void> => {
    try {
      const found = await read(
        db,
        asked.map(([key]) => key),
      )
      for (const [key, askers] of asked) for (const { resolve } of askers) resolve(found.get(key))
    } catch (error) {
      if (asked.length === 1 || isTransient(error)) {
        for (const [, askers] of asked) for (const { reject } of askers) reject(error)
        return
      }
      // One key may be the cause: the others must not fail because of it.
      const half = asked.length >> 1
      await readFor(db, asked.slice(0, half))
      await readFor(db, asked.slice(half))
    }
  }

  const start = (db: Database, line: Line) => {
    line.scheduled = false
    line.timer?.cancel()
    line.timer = undefined
    while (line.waiting.size > 0 && waitMs(line) === 0) {
      const asked = [...line.waiting].slice(0, KEYS_MAX)
      for (const [key] of asked) line.waiting.delete(key)
      line.underWay += 1
      line.begunAt = clock.now()
      void readFor(db, asked).finally(() => {
        line.underWay -= 1
        start(db, line)
      })
    }
    if (line.waiting.size > 0) schedule(db, line)
  }

  const schedule = (db: Database, line: Line) => {
    if (line.scheduled || line.timer) return
    const ms = waitMs(line)
    if (ms === undefined) return
    if (ms > 0) {
      line.timer = clock.after(ms, () => start(db, line))
      return
    }
    line.scheduled = true
    // Includes every call whose request arrives in this tick of the event loop.
    setImmediate(() => start(db, line))
  }

  return (db, key) =>
    new Promise((resolve, reject) => {
      const line = lineOf(db)
      const askers = line.waiting.get(key)
      if (askers) askers.push({ resolve, reject })
      else line.waiting.set(key, [{ resolve, reject }])
      schedule(db, line)
    })
}

/** One read at a time; calls during it share the next. A read that hangs blocks nobody. */
const SLOW_MS = 100
/**
 * Minimum milliseconds between the starts of two reads of PostgreSQL: one key costs as much as many. A call that comes
 * alone does not wait.
 */
const GATHER_MS = 5
const UNDER_WAY_MAX = 4
const KEYS_MAX = 400
