import { rm } from 'node:fs/promises'
import { launchOnFreePort } from './launch-on-free-port.ts'
import { end, launch, type ServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export type RedisServer = ServerProcess

/** A Redis of the caller's own. It keeps an append-only file, so that what it answered survives `kill()`. */
export async function startRedis(): Promise<RedisServer> {
  const directory = await temporaryDirectory('redis')
  const launchOn = (port: number) =>
    launch({
      program: 'redis-server',
      // biome-ignore format: one setting a line
      args: [
        '--port', String(port), '--bind', '127.0.0.1', '--dir', directory, '--save', '',
        '--appendonly', 'yes', '--appendfsync', 'no', '--maxmemory-policy', 'noeviction',
      ],
      endSignal: 'SIGKILL',
      ready: /Ready to accept connections/,
    })

  let { child, port } = await launchOnFreePort(launchOn)
  let stopping: Promise<void> | undefined
  const server: RedisServer = {
    port,
    url: `redis://127.0.0.1:${port}`,
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
