import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/**
 * Background work yields the CPU to work that a user waits for.
 *
 * Linux has a priority per thread. Setting a process's priority affects its existing threads, and a thread may lower
 * only its own. On other systems the priority is per process.
 */
const BEHIND_CHAT = 10
/** A thread that shares SQLite files with chat sometimes holds their lock: it must not be starved meanwhile. */
const BESIDE_CHAT = 5

const LOWEST = 19

/** For a separate process: all its threads. */
export function lowerPriorityOfProcess(): void {
  if (process.platform !== 'linux') return lower(0, BEHIND_CHAT)
  for (const thread of readdirSync('/proc/self/task')) lower(Number(thread), BEHIND_CHAT)
}

/** For one thread of a process with other work. */
export function lowerPriorityOfThread(): void {
  if (process.platform === 'linux') lower(0, BESIDE_CHAT)
}

/** Relative to the current priority, so that a priority set for the whole pool is respected. */
function lower(thread: number, by: number): void {
  try {
    setPriority(thread, Math.min(LOWEST, getPriority(thread) + by))
  } catch {
    // The thread has ended, or the system does not permit it: the work continues anyway.
  }
}
