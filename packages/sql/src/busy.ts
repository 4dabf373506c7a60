import { systemClock } from '@hansard/clock'

// Milliseconds between two attempts. SQLite's own busy handler is not used: it waits in the thread, which answers
// nobody meanwhile.
const PAUSES = [1, 2, 5, 10, 15, 20, 25, 25, 25, 50]

/**
 * Retries `work` while another process or thread holds the SQLite lock it needs, for at most `limitMs`. Between
 * attempts the event loop and the connection are free. It uses real time, not the owner's clock: this is about the
 * file.
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
    // A clock that was set back says nothing.
    waited += Math.max(pause, systemClock.now() - began)
  }
}

function isBusy(error: unknown): boolean {
  const code = (error as { code?: unknown } | undefined)?.code
  return typeof code === 'string' && code.startsWith('SQLITE_BUSY')
}
