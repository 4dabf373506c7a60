import { systemClock } from '@hansard/clock'
import type { Database } from './database.ts'

/**
 * Turns a read for many keys into one for a single key: concurrent calls share a statement.
 *
 * A statement costs far more than a row of its result, and users arrive in crowds: in the morning, and after a
 * restart. A read begins only after all calls that share it, so that no caller gets an older state.
 */
export function gathered<Key, Value>(
  read: (db: Database, keys: readonly Key[]) => Promise<ReadonlyMap<Key, Value>>,
  /** real time in milliseconds: this is about the database */
  now: () => number = systemClock.now,
): (db: Database, key: Key) => Promise<Value | undefined> {
  type Asker = { readonly resolve: (value: Value | undefined) => void; readonly reject: (error: unknown) => void }
  type Line = { waiting: Map<Key, Asker[]>; scheduled: boolean; underWay: number; begunAt: number }
  const lines = new WeakMap<Database, Line>()

  const mayBegin = ({ underWay, begunAt }: Line) =>
    underWay === 0 || (underWay < UNDER_WAY_MAX && now() - begunAt >= SLOW_MS)

  const lineOf = (db: Database): Line => {
    const known = lines.get(db)
    if (known) return known
    const line: Line = { waiting: new Map(), scheduled: false, underWay: 0, begunAt: 0 }
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
      // One key may be the cause: the others must not fail because of it.
      if (asked.length > 1) await Promise.all(asked.map((one) => readFor(db, [one])))
      else for (const { reject } of asked[0]![1]) reject(error)
    }
  }

  const start = (db: Database, line: Line) => {
    line.scheduled = false
    while (line.waiting.size > 0 && mayBegin(line)) {
      const asked = [...line.waiting].slice(0, KEYS_MAX)
      for (const [key] of asked) line.waiting.delete(key)
      line.underWay += 1
      line.begunAt = now()
      void readFor(db, asked).finally(() => {
        line.underWay -= 1
        start(db, line)
      })
    }
  }

  return (db, key) =>
    new Promise((resolve, reject) => {
      const line = lineOf(db)
      const askers = line.waiting.get(key)
      if (askers) askers.push({ resolve, reject })
      else line.waiting.set(key, [{ resolve, reject }])
      if (line.scheduled || !mayBegin(line)) return
      line.scheduled = true
      // Includes every call whose request arrives in this tick of the event loop.
      setImmediate(() => start(db, line))
    })
}

/** One read at a time; calls during it share the next. A read that hangs blocks nobody. */
const SLOW_MS = 100
const UNDER_WAY_MAX = 4
const KEYS_MAX = 400
