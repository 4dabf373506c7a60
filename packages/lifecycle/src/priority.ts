import { readdirSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

/**
 * Work that nobody waits for gives the processor to work that somebody waits for.
 *
 * Linux keeps a priority for each thread: a process has those of its threads that were there before, and a thread may lower its own
 * alone. Elsewhere the priority is the process's.
 */
const BEHIND_CHAT = 10
/** A thread that shares SQLite files with chat holds their lock now and then: it must not be starved while it does. */
const BESIDE_CHAT = 5

const LOWEST = 19

/** For a process of its own: all its threads. */
export function lowerPriorityOfProcess(): void {
  if (process.platform !== 'linux') return lower(0, BEHIND_CHAT)
  for (const thread of readdirSync('/proc/self/task')) lower(Number(thread), BEHIND_CHAT)
}

/** For a thread of a process that has other work to do. */
export function lowerPriorityOfThread(): void {
  if (process.platform === 'linux') lower(0, BESIDE_CHAT)
}

/** From where it stands: whoever started the whole pool with a priority of its own keeps that order. */
function lower(thread: number, by: number): void {
  try {
    setPriority(thread, Math.min(LOWEST, getPriority(thread) + by))
  } catch {
    // The thread has ended, or the machine does not let us: the work is done all the same.
  }
}
