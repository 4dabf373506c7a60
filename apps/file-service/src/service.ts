import type { Clock } from '@hansard/clock'
import type { FileStore, Scanner } from '@hansard/file-store'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { createFileCommands } from '@hansard/pool-commands'
import {
  claimFileStores,
  createRecordWriter,
  logClock,
  requireRightClock,
  SourceFenced,
  startSource,
  stopSource,
} from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { FastifyInstance } from 'fastify'
import type { FileServiceConfig } from './config.ts'
import type { FileServiceDeps } from './deps.ts'
import { addFileRoutes } from './routes.ts'
import { sweepFiles } from './sweep-files.ts'
import { createTransfers } from './transfers.ts'

export type FileService = Service & {
  readonly source: { readonly name: string; readonly epoch: number }
  /** Resolves, with the reason, when a successor has fenced this instance: its process should end. */
  readonly fenced: Promise<Error>
  /** Sweeps now; resolves when it is done. */
  sweep(): Promise<void>
}

/**
 * The file service: upload and download by token. Any number may run on one pool, with the same directories.
 *
 * It is a source: uploads and downloads are numbered and chained like all events. While it is alive it reports every
 * second, because no interval closes before it has. Adds its routes to a Fastify instance that the caller creates,
 * listens with and closes.
 */
export async function startFileService(
  config: FileServiceConfig,
  deps: {
    app: FastifyInstance
    db: Database
    clock: Clock
    log: Log
    pool: string
    domain: string
    files: FileStore
    complianceFiles: FileStore
    scanner: Scanner | undefined
  },
): Promise<FileService> {
  const { app, db, clock, log } = deps
  const stack = new AsyncDisposableStack()
  await claimFileStores(db, deps)
  await requireRightClock(db, clock, { boundMs: config.clockBoundMs, statedTime: config.clockRightAt })
  const source = await startSource(db, { name: config.name, endpoint: config.endpoint, now: clock.now() })
  let announceFenced = (_reason: Error) => {}
  const fenced = new Promise<Error>((resolve) => {
    announceFenced = resolve
  })
  const stopping = new AbortController()
  const place = { pool: deps.pool, site: config.site }
  const writer = createRecordWriter({
    db,
    clock,
    source,
    place,
    clockBoundMs: config.clockBoundMs,
    onClock: logClock(log),
    onFailure(error) {
      if (error instanceof SourceFenced) {
        log.error({ err: error }, 'fenced by a successor; stopping')
        stopping.abort()
        announceFenced(error)
      } else {
        log.warn({ err: error }, 'a batch could not be recorded')
      }
    },
  })
  stack.defer(() => stopSource(db, { ...source, now: clock.now() }))
  stack.defer(() => writer.stop())

  const transfers = createTransfers(config)
  const commands = createFileCommands({ db, writer, place, domain: deps.domain })
  const service: FileServiceDeps = { ...deps, config, commands, transfers }
  addFileRoutes(app, service, stopping.signal)

  const onError = (doing: string) => (error: unknown) => log.warn({ err: error }, `${doing} failed; trying again`)
  const sweepLoop = startLoop({
    clock,
    everyMs: config.sweepMs,
    turn: () => sweepFiles(service),
    onError: onError('sweeping files'),
  })
  const heartbeat = startLoop({
    clock,
    everyMs: config.heartbeatMs,
    turn: () => writer.report(),
    onError: onError('heartbeat'),
  })
  for (const loop of [sweepLoop, heartbeat]) stack.defer(() => loop.stop())
  stack.defer(() => stopping.abort())
  log.info({ source: source.name, epoch: source.epoch, endpoint: config.endpoint }, 'file service started')

  const stop = stopOnce(stack)
  const sweep = async () => {
    while ((await sweepFiles(service)) === 'again');
  }
  return { source, fenced, sweep, stop, [Symbol.asyncDispose]: stop }
}
