import { once } from 'node:events'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { Worker } from 'node:worker_threads'
import { ADMIN_API_DEFAULTS, type AdminApiConfig, requireOperatorPassword, startAdminApi } from '@hansard/admin-api'
import { OPERATOR_ACCOUNT } from '@hansard/admin-contract'
import { openInlineBus } from '@hansard/bus'
import { attachChannelService, CHANNEL_SERVICE_DEFAULTS, startChannelService } from '@hansard/channel-service'
import type { Clock } from '@hansard/clock'
import {
  type AdapterSetting,
  type AnchorSetting,
  DEFAULT_ADAPTERS,
  parseAdapterSettings,
} from '@hansard/compliance-worker'
import { type ClockSettings, decodeText } from '@hansard/config'
import { FILE_SERVICE_DEFAULTS, startFileService } from '@hansard/file-service'
import { createClamdScanner, openFileStores } from '@hansard/file-store'
import {
  baseUrl,
  createHttpServer,
  HTTP_DEFAULTS,
  type HttpSettings,
  probePort,
  requireListenable,
  webSocketUrl,
} from '@hansard/http'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { LOOKUP_SERVICE_DEFAULTS, startLookupService } from '@hansard/lookup-service'
import { findPrincipal, openTokenKeys, POOL_MIGRATIONS, poolSettings } from '@hansard/pool-store'
import { migrate, openDatabase } from '@hansard/sql'
import { claimPoolName, migrateStaging } from '@hansard/staging'
import { CommandFailure } from '../cli/command-failure.ts'
import { VERSION } from '../cli/version.ts'
import {
  type ComplianceSide,
  type ComplianceSideConfig,
  type QueueDepth,
  startComplianceSide,
} from './compliance-side.ts'
import { dataDirectory, lockDataDirectory } from './data-directory.ts'

type StandardEditionOptions = ClockSettings & {
  readonly data: string
  /** 0 for any free port */
  readonly port: number
  readonly host: string
  /** how it is reached and protected: public URL, TLS, trusted proxies, limits; what is absent has its default */
  readonly http?: Partial<Omit<HttpSettings, 'host' | 'port'>>
  readonly runIntervalMs: number
  readonly domain?: string | undefined
  readonly pool?: string | undefined
  /** of the operator, on the first start; a random one is made when absent */
  readonly operatorPassword: string | undefined
  readonly logLevel: string
  /** how many people it takes to change what is exported; one when absent */
  readonly approval?: AdminApiConfig['approval'] | undefined
  /** address of the virus scanner that files are shown to, or undefined: they are not scanned */
  readonly clamd?: string | undefined
  /** where the newest checkpoint goes after each interval */
  readonly anchors?: readonly AnchorSetting[] | undefined
  /** false: the compliance side shares this thread and its clock (tests) */
  readonly complianceThread: boolean
}

export type StandardEdition = Service & {
  readonly urls: { readonly server: string; readonly lookup: string; readonly channel: string; readonly admin: string }
  readonly exports: string
  /** told once, on the first start, when the operator did not choose it */
  readonly oneTimePassword: string | undefined
  /** the operator had a password before, and it is not the one in the options */
  readonly otherPasswordKept: boolean
  /** resolves, with the reason, when a part of the pool has died and the process should end; never rejects */
  readonly failed: Promise<Error>
}

export const PASSWORD_KEPT =
  'HANSARD_ADMIN_PASSWORD is not the operator’s password here; the stored password is kept.\n'

/** A new pool has one account. Every manifest says that one person may change what is exported. */
export const STANDARD_APPROVAL = 'one-person'

/** Another program that holds the pool database's lock longer than this makes a post be answered `try-again`. */
const POOL_BUSY_MS = 1_500
/** What the record of sign-ins says of the token for commands on this machine. */
const RUN_FILE = 'token for commands on this machine'
const TOKEN_RENEWAL_MS = 6 * 60 * 60 * 1_000

/** A whole pool in one process: SQLite, inline queue, files on disk. Everything it keeps lies in one directory. */
export async function startStandardEdition(
  options: StandardEditionOptions,
  { clock, log }: { clock: Clock; log: Log },
): Promise<StandardEdition> {
  const stack = new AsyncDisposableStack()
  try {
    return await start(options, { clock, log, stack })
  } catch (error) {
    await stack.disposeAsync().catch(() => {})
    throw error
  }
}

async function start(
  options: StandardEditionOptions,
  { clock, log, stack }: { clock: Clock; log: Log; stack: AsyncDisposableStack },
): Promise<StandardEdition> {
  const settingsOfHttp = { ...HTTP_DEFAULTS, ...options.http, host: options.host, port: options.port }
  requireListenable(settingsOfHttp)
  const directory = dataDirectory(options.data)
  stack.defer(await lockDataDirectory(directory))
  const http: HttpSettings = { ...settingsOfHttp, port: await tryPort(options) }
  const adapters = await readAdapters(directory.adaptersFile)

  const poolDb = openDatabase({ url: directory.poolDatabase, busyMs: POOL_BUSY_MS })
  stack.defer(() => poolDb.close())
  const complianceDb = openDatabase({ url: directory.complianceDatabase })
  stack.defer(() => complianceDb.close())
  await migrate(poolDb, POOL_MIGRATIONS)
  await migrateStaging(complianceDb)
  const settings = await poolSettings(poolDb, { pool: options.pool, domain: options.domain })
  const { pool, domain } = settings
  await claimPoolName(complianceDb, pool)

  await requireOperatorPassword(poolDb, {
    password: options.operatorPassword,
    charactersMin: ADMIN_API_DEFAULTS.passwordCharactersMin,
  })

  let announceFailure = (_error: Error) => {}
  const failed = new Promise<Error>((resolve) => {
    announceFailure = resolve
  })
  const side: ComplianceSideConfig = {
    pool,
    runIntervalMs: options.runIntervalMs,
    outputDirectory: directory.exports,
    complianceFileStore: directory.complianceFiles,
    signingKey: { file: directory.signingKeyFile },
    anchors: options.anchors ?? [],
    adapters,
  }
  const compliance = options.complianceThread
    ? await startThread({ side, directory, logLevel: options.logLevel, onFailure: announceFailure })
    : await startComplianceSide(side, { poolDb, complianceDb, clock, log })
  stack.defer(() => compliance.stop())

  const httpServer = await createHttpServer(http, {
    clock,
    log,
    forceCloseConnections: true,
    filesMax: 2 * FILE_SERVICE_DEFAULTS.transfersMax,
  })
  stack.defer(() => httpServer.stop())
  const { app } = httpServer
  const bus = openInlineBus()
  stack.defer(() => bus.close())
  const tokenKeys = await openTokenKeys({
    db: poolDb,
    clock,
    source: { file: directory.tokenKeyFile },
    onError: (error) => log.error({ err: error }, 'the token keys could not be read again'),
  })
  const server = baseUrl(http)
  const urls = { server, lookup: server, channel: webSocketUrl(server, '/channel'), admin: server }
  const lookup = await startLookupService(
    { ...LOOKUP_SERVICE_DEFAULTS, url: urls.lookup, adminUrl: urls.admin },
    { app, db: poolDb, bus, clock, log, tokenKeys, settings, version: VERSION },
  )
  stack.defer(() => lookup.stop())
  void lookup.fenced.then(announceFailure)
  const stores = await openFileStores({ directory: directory.files, complianceDirectory: directory.complianceFiles })
  const { clockBoundMs, clockRightAt } = options
  const admin = await startAdminApi(
    {
      ...ADMIN_API_DEFAULTS,
      ...{ clockBoundMs, clockRightAt },
      version: VERSION,
      runIntervalMs: options.runIntervalMs,
      approval: options.approval ?? STANDARD_APPROVAL,
      complianceDirectories: { outputDirectory: directory.exports, directoriesAllowed: [] },
      temporaryDirectory: directory.root,
    },
    {
      ...{ app, poolDb, complianceDb, bus, clock, log, tokenKeys, settings, fileStores: stores },
      queueDepth: async () => compliance.queueDepth(),
    },
  )
  stack.defer(() => admin.stop())
  void admin.fenced.then(announceFailure)
  const channel = await startChannelService(
    {
      ...CHANNEL_SERVICE_DEFAULTS,
      ...{ clockBoundMs, clockRightAt },
      name: 'channel-1',
      endpoint: urls.channel,
      filesUrl: `${server}/files`,
      sessionsMax: Math.min(CHANNEL_SERVICE_DEFAULTS.sessionsMax, httpServer.connectionsMax),
    },
    { db: poolDb, bus, clock, log, settings, tokenKeys },
  )
  stack.defer(() => channel.stop())
  void channel.fenced.then(announceFailure)
  attachChannelService(httpServer, '/channel', channel)
  const files = await startFileService(
    { ...FILE_SERVICE_DEFAULTS, clockBoundMs, clockRightAt, name: 'files-1', endpoint: `${server}/files` },
    {
      ...{ app, db: poolDb, clock, log, pool, domain, ...stores },
      scanner: options.clamd === undefined ? undefined : createClamdScanner({ address: options.clamd, clock }),
    },
  )
  stack.defer(() => files.stop())
  void files.fenced.then(announceFailure)
  await httpServer.listen().catch((error) => {
    throw portProblem(error, options)
  })

  // Nothing after this may fail: a generated password is returned here and nowhere else.
  const account = await admin.createOperator({ password: options.operatorPassword })
  let operatorId: number | undefined
  const token = startLoop({
    clock,
    everyMs: TOKEN_RENEWAL_MS,
    async turn() {
      // Read each time: a new password or a sign-out ends the tokens of an older version of the account.
      const operator = (await findPrincipal(poolDb, { account: OPERATOR_ACCOUNT }))!
      operatorId = operator.id
      const { token } = await admin.signIn.issueToken(operator, { remote: '', detail: RUN_FILE })
      await writeRunFile(directory.runFile, {
        ...urls,
        // Commands on this machine do not need the proxy; a certificate is made out to the public name.
        server: http.tls ? server : baseUrl({ ...http, host: localHost(http.host), publicUrl: undefined }),
        token,
        pid: process.pid,
      })
    },
    onError: (error) => log.warn({ err: error }, 'the run file could not be written'),
  })
  await token.idle()
  stack.defer(
    await bus.subscribePool((message) => {
      if (message.t === 'principal-changed' && message.principals.includes(operatorId!)) token.wake()
    }),
  )
  stack.defer(() => rm(directory.runFile, { force: true }))
  stack.defer(() => token.stop())

  const stop = stopOnce(stack)
  return {
    urls,
    exports: directory.exports,
    oneTimePassword: account.outcome === 'created' ? account.oneTimePassword : undefined,
    otherPasswordKept: account.outcome === 'kept' && account.passwordDiffers,
    failed,
    stop,
    [Symbol.asyncDispose]: stop,
  }
}

/** An address this machine reaches itself at, when it listens on all of them. */
function localHost(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1'
  return /^\[?::\]?$/.test(host) ? '::1' : host
}

async function startThread(options: {
  side: ComplianceSideConfig
  directory: ReturnType<typeof dataDirectory>
  logLevel: string
  onFailure: (error: Error) => void
}): Promise<ComplianceSide> {
  const { side, directory, logLevel, onFailure } = options
  const extension = import.meta.filename.endsWith('.ts') ? 'ts' : 'js'
  const thread = new Worker(new URL(`./compliance-thread.${extension}`, import.meta.url), {
    workerData: {
      config: side,
      poolDatabase: directory.poolDatabase,
      complianceDatabase: directory.complianceDatabase,
      logLevel,
    },
  })
  let stopping = false
  let depth: QueueDepth | undefined
  const exited = once(thread, 'exit')
  const ready = once(thread, 'message')
  thread.on('error', onFailure)
  thread.on('exit', (code) => {
    if (!stopping) onFailure(new Error(`The compliance side ended by itself (code ${code}).`))
  })
  thread.on('message', (message: QueueDepth) => {
    depth = message
  })
  await ready
  const stop = async () => {
    if (!stopping) thread.postMessage('stop')
    stopping = true
    await exited
  }
  return { queueDepth: () => depth, stop, [Symbol.asyncDispose]: stop }
}

async function readAdapters(file: string): Promise<readonly AdapterSetting[]> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(file)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
    await writeFile(file, `${JSON.stringify(DEFAULT_ADAPTERS, null, 2)}\n`, { mode: 0o600 })
    return DEFAULT_ADAPTERS
  }
  return parseAdapterSettings(decodeText(bytes, { what: file }), file)
}

async function writeRunFile(file: string, content: object): Promise<void> {
  await rm(file, { force: true })
  await writeFile(file, `${JSON.stringify(content, null, 2)}\n`, { mode: 0o600, flag: 'wx' })
}

/**
 * The port to listen on, tried before anything is made that a second start would find half done. Routes must stand
 * before the pool listens, and they tell the port: one that is chosen here is let go of for a moment.
 */
async function tryPort(wanted: { host: string; port: number }): Promise<number> {
  try {
    return await probePort(wanted)
  } catch (error) {
    throw portProblem(error as NodeJS.ErrnoException, wanted)
  }
}

function portProblem(error: NodeJS.ErrnoException, { host, port }: { host: string; port: number }): Error {
  if (error.code === 'EADDRINUSE')
    return new CommandFailure(2, `Port ${port} is in use: choose another with --port`, { cause: error })
  if (error.code === 'EACCES')
    return new CommandFailure(2, `Port ${port} may not be used by this account: choose another with --port`, {
      cause: error,
    })
  return new CommandFailure(2, `${host} port ${port} cannot be listened on: ${error.message}`, { cause: error })
}
