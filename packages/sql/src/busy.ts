import { systemClock } from '@hansard/clock'

// SQLite's own busy handler waits in the thread: nobody would be answered meanwhile. Milliseconds between two attempts.
const PAUSES = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50]

/**
 * Runs `work` again while another process or thread holds the SQLite lock that it needs, for `limitMs` at most. The event
 * loop and the connection are free between two attempts. Real time, whatever clock its owner keeps: this is about the file.
 */
export async function retryWhileBusy<T>(limitMs: number, work: () => Promise<T>): Promise<T> {
  let waited = 0
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await work()
    } catch (error) {
      if (!isBusy(error) || waited >= limitMs) throw error
    }
    const pause = PAUSES[Math.min(attempt, PAUSES.length - 1)]!
    const began = systemClock.now()
    await systemClock.sleep(pause)
    // A clock that was put back tells nothing.
    waited += Math.max(pause, systemClock.now() - began)
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY')
}
