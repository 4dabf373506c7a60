import { mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { freePort, OPERATOR_PASSWORD } from './enterprise-pool.ts'
import { type ServiceProcess, serviceProcess } from './service-process.ts'

/** A Standard Edition pool as `hansard start --json` runs it, on a directory of its own. */
export type StandardPool = AsyncDisposable & {
  readonly process: ServiceProcess
  readonly data: string
  readonly exports: string
  /** the same after every start, so that clients find it again */
  readonly server: string
  /** Starts it again after `process.kill()` or `process.stop()`. */
  restart(): Promise<void>
}

export async function startStandardPool(
  options: { interval?: string; data?: string; clocks?: boolean } = {},
): Promise<StandardPool> {
  const data = options.data ?? (await mkdtemp(join(tmpdir(), 'hansard-data-')))
  const port = await freePort()
  const started = serviceProcess({
    name: 'standard',
    program: 'apps/hansard/src/bin.ts',
    args: ['start', '--data', data, '--port', String(port), '--interval', options.interval ?? '1m', '--json'],
    env: { HANSARD_ADMIN_PASSWORD: OPERATOR_PASSWORD },
    logFile: join(data, 'standard.log'),
    ...(options.clocks ? { clockFile: join(data, 'test.clock') } : {}),
  })
  let urls = await started.start()
  return {
    process: started,
    data,
    exports: join(data, 'exports'),
    get server() {
      return urls['server'] as string
    },
    async restart() {
      urls = await started.start()
    },
    async [Symbol.asyncDispose]() {
      await started.kill()
    },
  }
}
