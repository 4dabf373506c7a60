import type { AllowedDirectories } from '@hansard/adapter'
import { OPERATOR_ACCOUNT } from '@hansard/admin-contract'
import type { Bus } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import type { ClockSettings } from '@hansard/config'
import { PASSWORD_CHARACTERS_MIN } from '@hansard/credentials'
import type { FileStores } from '@hansard/file-store'
import { type Service, startLoop, stopOnce } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'
import { createPoolCommands, poolActor } from '@hansard/pool-commands'
import {
  claimFileStores,
  createRecordWriter,
  createSignIn,
  createSignInRecord,
  forgetSignIns,
  logClock,
  requireRightClock,
  type SignIn,
  SourceFenced,
  startSource,
  stopSource,
  type TokenKeys,
} from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { type ApprovalMode, setApprovalMode } from '@hansard/staging'
import type { FastifyInstance } from 'fastify'
import { serveData } from './data.ts'
import type { AdminApiDeps } from './deps.ts'
import { handlers } from './handlers.ts'
import { createOperator, type OperatorAccount } from './operator-account.ts'
import { serve } from './serve.ts'
import { unwrap } from './unwrap.ts'

export type AdminApiConfig = ClockSettings & {
  /** the source's name: one instance at a time may run under it */
  readonly name: string
  readonly heartbeatMs: number
  /** minimum number of characters of a password that a user chooses */
  readonly passwordCharactersMin: number
  /** how long the record of sign-ins is kept */
  readonly signInRecordDays: number
  readonly version: string
  /** the site whose policy applies here, unless the pool or the user has its own */
  readonly site?: string | undefined
  /** the compliance worker's default, for the status; a stored configuration overrides it */
  readonly runIntervalMs: number
  readonly complianceDirectories: AllowedDirectories
  /** how many people it takes to change what is exported; the last admin API that started decides for the pool */
  readonly approval: ApprovalMode
  /** directory for the temporary file of an import */
  readonly temporaryDirectory?: string | undefined
}

export const ADMIN_API_DEFAULTS = {
  name: 'admin-1',
  heartbeatMs: 1_000,
  passwordCharactersMin: PASSWORD_CHARACTERS_MIN,
  signInRecordDays: 400,
  approval: 'two-people',
  complianceDirectories: { directoriesAllowed: [] },
} as const satisfies Partial<AdminApiConfig>

const DAY_MS = 24 * 60 * 60_000
const FORGET_EVERY_MS = 60 * 60_000

export type AdminApi = Service & {
  readonly source: { readonly name: string; readonly epoch: number }
  /** Resolves, with the reason, when a successor has fenced this instance: its process should end. */
  readonly fenced: Promise<Error>
  /** Its entry to the pool, for tokens that this process itself uses. */
  readonly signIn: SignIn
  /** Creates the operator's account on the first start; an existing account keeps its password. */
  createOperator(options: { password: string | undefined }): Promise<OperatorAccount>
}

/**
 * The admin API: the one HTTP entry point for configuring, changing and reading a pool. Adds its routes to a Fastify
 * instance that the caller creates, listens with and closes.
 *
 * It records its changes itself: it is a source, like a channel service. So it reports every second, because no
 * interval closes before each living source has promised to record nothing earlier. When a successor has taken its
 * name, it changes nothing more.
 */
export async function startAdminApi(
  config: AdminApiConfig,
  given: {
    app: FastifyInstance
    poolDb: Database
    complianceDb: Database
    bus: Bus
    clock: Clock
    log: Log
    tokenKeys: TokenKeys
    settings: { pool: string; domain: string; poolRoomId: number }
    queueDepth: AdminApiDeps['queueDepth']
    queueTroubles?: AdminApiDeps['queueTroubles']
    /** the contents of files, for exports and imports that include them */
    fileStores?: FileStores | undefined
  },
): Promise<AdminApi> {
  const { app, poolDb, complianceDb, bus, clock, log, tokenKeys, settings, fileStores } = given
  const { queueDepth, queueTroubles } = given
  const { pool, domain, poolRoomId } = settings
  const stack = new AsyncDisposableStack()
  if (fileStores) await claimFileStores(poolDb, fileStores)
  await requireRightClock(poolDb, clock, { boundMs: config.clockBoundMs, statedTime: config.clockRightAt })
  const source = await startSource(poolDb, { name: config.name, endpoint: '', now: clock.now() })
  let announceFenced = (_reason: Error) => {}
  const fenced = new Promise<Error>((resolve) => {
    announceFenced = resolve
  })
  const writer = createRecordWriter({
    db: poolDb,
    clock,
    source,
    place: { pool, site: config.site },
    clockBoundMs: config.clockBoundMs,
    onClock: logClock(log),
    onFailure(error) {
      if (error instanceof SourceFenced) {
        log.error({ err: error }, 'fenced by a successor; stopping')
        announceFenced(error)
      } else {
        log.warn({ err: error }, 'a change could not be recorded')
      }
    },
  })
  stack.defer(() => stopSource(poolDb, { ...source, now: clock.now() }))
  stack.defer(() => writer.stop())
  const record = createSignInRecord({
    writer,
    dialect: poolDb.dialect,
    clock,
    log,
    service: source.name,
    pool: { domain, poolRoomId },
  })
  stack.defer(() => record.stop())
  const signIn = createSignIn({ db: poolDb, clock, tokenKeys, record })
  const heartbeat = startLoop({
    clock,
    everyMs: config.heartbeatMs,
    turn: () => writer.report(),
    onError: (error) => log.warn({ err: error }, 'heartbeat failed; trying again'),
  })
  stack.defer(() => heartbeat.stop())
  const forgetting = startLoop({
    clock,
    everyMs: FORGET_EVERY_MS,
    async turn() {
      await forgetSignIns(poolDb.knex, clock.now() - config.signInRecordDays * DAY_MS)
    },
    onError: (error) => log.warn({ err: error }, 'old sign-in records could not be deleted; trying again'),
  })
  stack.defer(() => forgetting.stop())
  const commands = createPoolCommands({
    db: poolDb,
    writer,
    bus,
    from: `${source.name}/${source.epoch}`,
    domain,
    poolRoomId,
  })
  await commands.preparePool()
  const mode = config.approval
  const modeBefore = await setApprovalMode(complianceDb, { mode, actor: `server:${config.name}`, now: clock.now() })
  if (modeBefore !== undefined && modeBefore !== mode) {
    const told = { identity: 'approval', before: { approval: modeBefore }, after: { approval: mode } }
    await unwrap(commands.tellComplianceConfiguration(poolActor(domain), told))
  }
  const { version, site, runIntervalMs, complianceDirectories, passwordCharactersMin } = config
  const deps: AdminApiDeps = {
    poolDb,
    complianceDb,
    clock,
    log,
    signIn,
    bus,
    commands,
    pool,
    site,
    passwordCharactersMin,
    domain,
    version,
    runIntervalMs,
    complianceDirectories,
    queueDepth,
    queueTroubles,
  }
  serve(app, deps, handlers())
  const stopping = new AbortController()
  stack.defer(() => stopping.abort())
  const from = `${source.name}/${source.epoch}`
  const { temporaryDirectory } = config
  serveData(app, { ...deps, writer, bus, from, poolRoomId, fileStores, temporaryDirectory, stop: stopping.signal })
  log.info({ source: source.name, epoch: source.epoch }, 'admin API started')

  const stop = stopOnce(stack)
  return {
    source,
    fenced,
    signIn,
    createOperator: ({ password }) =>
      createOperator(
        { poolDb, commands },
        { account: OPERATOR_ACCOUNT, domain, password, charactersMin: passwordCharactersMin },
      ),
    stop,
    [Symbol.asyncDispose]: stop,
  }
}
