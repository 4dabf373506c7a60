import type { ChildProcess } from 'node:child_process'
import { freePort } from './free-port.ts'
import { NotStarted } from './server-process.ts'

/** Starts a server on a port that is free; on another one when somebody else has taken it meanwhile. */
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
