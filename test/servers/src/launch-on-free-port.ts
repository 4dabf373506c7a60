import type { ChildProcess } from 'node:child_process'
import { freePort } from './free-port.ts'
import { NotStarted } from './server-process.ts'

/** Starts a server on a free port, and retries on another one when the port was taken meanwhile. */
export async function launchOnFreePort(
  launchOn: (port: number) => Promise<ChildProcess>,
): Promise<{ child: ChildProcess; port: number }> {
  for (let attempt = 1; ; attempt += 1) {
    const port = await freePort()
    try {
      return { child: await launchOn(port), port }
    } catch (error) {
      if (attempt === 5 || !(error instanceof NotStarted)) throw error
    }
  }
}
