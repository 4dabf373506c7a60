import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type PostgresServer, type RedisServer, startPostgres, startRedis } from '@hansard/test-servers'
import { type ServiceProcess, serviceProcess } from './service-process.ts'
import { startVanishingHost, type VanishingHost } from './vanishing-host.ts'

export const OPERATOR_PASSWORD = 'the password of the test operator'

/** An Enterprise Edition pool: PostgreSQL, Redis, and every service in a process of its own. */
export type EnterprisePool = AsyncDisposable & {
  readonly postgres: PostgresServer
  readonly redis: RedisServer
  readonly server: string
  readonly poolDatabaseUrl: string
  readonly complianceDatabaseUrl: string
  readonly outputDirectory: string
  readonly logs: string
  readonly lookup: ServiceProcess
  readonly admin: ServiceProcess
  readonly files: ServiceProcess
  readonly channels: readonly ServiceProcess[]
  readonly relays: readonly ServiceProcess[]
  readonly workers: readonly ServiceProcess[]
  /** where each service listens, whatever address clients get */
  readonly ports: {
    readonly lookup: number
    readonly admin: number
    readonly files: number
    readonly channels: number[]
  }
  /** The machine of the second channel service, relay and worker, where `secondHost` asked for one. */
  readonly secondHost: VanishingHost | undefined
  /** The environment of a second instance under the name of channel service `index`, on another port. */
  twinOfChannel(index: number): Promise<ServiceProcess>
  stop(): Promise<void>
}

export async function startEnterprisePool(
  options: {
    channelServices?: number
    relays?: number
    workers?: number
    runInterval?: string
    durable?: boolean
    outputDirectory?: string
    /** the URL at which clients reach the pool; undefined: each service at its own port */
    publicUrl?: (ports: EnterprisePool['ports']) => Promise<string>
    env?: Readonly<Record<string, string>>
    /** the clocks of the services can be set */
    clocks?: boolean
    /** the second channel service, relay and worker reach PostgreSQL as another machine would, which may vanish */
    secondHost?: boolean
  } = {},
): Promise<EnterprisePool> {
  const { channelServices = 2, relays = 1, workers = 2, runInterval = '1m', durable = false } = options
  const directory = await mkdtemp(join(tmpdir(), 'hansard-pool-'))
  const outputDirectory = options.outputDirectory ?? join(directory, 'exports')
  const [postgres, redis] = await Promise.all([startPostgres({ durable }), startRedis()])
  const poolDatabaseUrl = await postgres.createDatabase('pool')
  const complianceDatabaseUrl = await postgres.createDatabase('compliance')

  const secondHost = options.secondHost ? await startVanishingHost(postgres.port) : undefined

  const [lookupPort, adminPort, filesPort] = [await freePort(), await freePort(), await freePort()]
  const channelPorts: number[] = []
  for (let n = 0; n < channelServices; n += 1) channelPorts.push(await freePort())
  const ports = { lookup: lookupPort, admin: adminPort, files: filesPort, channels: channelPorts }
  const publicUrl = await options.publicUrl?.(ports)
  const server = publicUrl ?? `http://127.0.0.1:${lookupPort}`
  const addresses: Record<string, string> =
    publicUrl === undefined
      ? { HANSARD_FILES_URL: `http://127.0.0.1:${filesPort}/files`, HANSARD_ADMIN_URL: `http://127.0.0.1:${adminPort}` }
      : { HANSARD_PUBLIC_URL: publicUrl }
  const common = {
    HANSARD_POOL_DATABASE_URL: poolDatabaseUrl,
    HANSARD_COMPLIANCE_DATABASE_URL: complianceDatabaseUrl,
    HANSARD_REDIS_URL: redis.url,
    HANSARD_POOL: 'test-pool',
    HANSARD_DOMAIN: 'example.com',
    HANSARD_LOG_LEVEL: 'info',
    HANSARD_FILE_STORE: join(directory, 'files'),
    HANSARD_COMPLIANCE_FILE_STORE: join(directory, 'compliance-files'),
    ...addresses,
    HANSARD_OUTPUT_DIRECTORY: outputDirectory,
    HANSARD_TOKEN_KEY_FILE: join(directory, 'token-keys.json'),
    HANSARD_SIGNING_KEY_FILE: join(directory, 'signing-keys.json'),
    ...options.env,
  }
  // Shares are mounted before services start: a missing store is refused, not created.
  for (const store of [common.HANSARD_FILE_STORE, common.HANSARD_COMPLIANCE_FILE_STORE]) await mkdir(store)
  const overSecondHost: Record<string, string> = secondHost
    ? {
        HANSARD_POOL_DATABASE_URL: secondHost.url(poolDatabaseUrl),
        HANSARD_COMPLIANCE_DATABASE_URL: secondHost.url(complianceDatabaseUrl),
      }
    : {}
  const service = (name: string, program: string, env: Record<string, string> = {}) =>
    serviceProcess({
      name,
      program,
      env: { ...common, ...(name.endsWith('-2') ? overSecondHost : {}), ...env },
      logFile: join(directory, `${name}.log`),
      ...(options.clocks ? { clockFile: join(directory, `${name}.clock`) } : {}),
    })

  const lookup = service('lookup', 'apps/lookup-service/src/main.ts', {
    HANSARD_LOOKUP_NAME: 'lookup-1',
    HANSARD_LOOKUP_PORT: String(lookupPort),
  })
  const admin = service('admin', 'apps/admin-api/src/main.ts', {
    HANSARD_ADMIN_PORT: String(adminPort),
    HANSARD_ADMIN_PASSWORD: OPERATOR_PASSWORD,
  })
  const files = service('files-1', 'apps/file-service/src/main.ts', {
    HANSARD_FILES_NAME: 'files-1',
    HANSARD_FILES_PORT: String(filesPort),
  })
  const channel = async (name: string, port: number) =>
    service(name, 'apps/channel-service/src/main.ts', {
      HANSARD_CHANNEL_NAME: name,
      HANSARD_CHANNEL_PORT: String(port),
    })
  const channels = await Promise.all(channelPorts.map((port, n) => channel(`channel-${n + 1}`, port)))
  const relayProcesses = Array.from({ length: relays }, (_, n) =>
    service(`relay-${n + 1}`, 'apps/relay/src/main.ts', { HANSARD_RELAY_NAME: `relay-${n + 1}` }),
  )
  const workerProcesses = Array.from({ length: workers }, (_, n) =>
    service(`worker-${n + 1}`, 'apps/compliance-worker/src/main.ts', {
      HANSARD_WORKER_NAME: `worker-${n + 1}`,
      HANSARD_RUN_INTERVAL: runInterval,
    }),
  )
  const twins: ServiceProcess[] = []
  const all = () => [lookup, admin, files, ...channels, ...relayProcesses, ...workerProcesses, ...twins]

  let stopping: Promise<void> | undefined
  const stop = () => {
    stopping ??= (async () => {
      for (const process of all()) process.resume()
      await Promise.all(all().map((process) => process.kill()))
      secondHost?.close()
      await Promise.all([postgres.stop(), redis.stop()])
      if (!process.env['HANSARD_KEEP']) await rm(directory, { recursive: true, force: true })
    })()
    return stopping
  }
  try {
    // The first to start migrates the databases; the others find them migrated.
    await admin.start()
    await Promise.all(
      [lookup, files, ...channels, ...relayProcesses, ...workerProcesses].map((process) => process.start()),
    )
  } catch (error) {
    await stop()
    throw error
  }
  return {
    postgres,
    redis,
    server,
    poolDatabaseUrl,
    complianceDatabaseUrl,
    outputDirectory,
    logs: directory,
    lookup,
    admin,
    files,
    channels,
    relays: relayProcesses,
    workers: workerProcesses,
    ports,
    secondHost,
    async twinOfChannel(index) {
      const twin = await channel(channels[index]!.name, await freePort())
      twins.push(twin)
      return twin
    },
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

export async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  await once(probe, 'close')
  return port
}
