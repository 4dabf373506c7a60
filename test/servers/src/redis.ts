import { startKillableServer } from './killable-server.ts'
import { launch, type ServerProcess } from './server-process.ts'
import { temporaryDirectory } from './temporary-directory.ts'

export type RedisServer = ServerProcess

/** A private Redis. It keeps an append-only file, so acknowledged writes survive `kill()`. */
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
  return startKillableServer({ scheme: 'redis', directory, launchOn })
}
