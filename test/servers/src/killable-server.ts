import type { ChildProcess } from 'node:child_process'
import { rm } from 'node:fs/promises'
import { launchOnFreePort } from './launch-on-free-port.ts'
import { end, type ServerProcess } from './server-process.ts'

/**
 * Starts a server that survives SIGKILL, on a free port; it restarts on the same one, and removes its directory at
 * the end.
 */
export async function startKillableServer({
  scheme,
  directory,
  launchOn,
}: {
  scheme: 'redis' | 'tcp'
  directory: string
  launchOn: (port: number) => Promise<ChildProcess>
}): Promise<ServerProcess> {
  let { child, port } = await launchOnFreePort(launchOn)
  let stopping: Promise<void> | undefined
  const server: ServerProcess = {
    port,
    url: `${scheme}://127.0.0.1:${port}`,
    get pid() {
      return child.pid as number
    },
    kill: () => end(child, 'SIGKILL'),
    async restart() {
      await end(child, 'SIGKILL')
      child = await launchOn(port)
    },
    stop() {
      stopping ??= (async () => {
        await end(child, 'SIGKILL')
        await rm(directory, { recursive: true, force: true, maxRetries: 5 })
      })()
      return stopping
    },
    [Symbol.asyncDispose]: () => server.stop(),
  }
  return server
}
