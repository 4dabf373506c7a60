import {
  type Adapter,
  type AdapterSetting,
  directoryProblem,
  type RecordAdapter,
  StylesheetError,
  type XsltEngine,
  XsltEngineClosed,
} from '@hansard/adapter'
import { backoffMs } from '@hansard/backoff'
import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import type { SigningKeys } from '@hansard/signing'
import { type Database, databaseNow, type Lease, LeaseLost } from '@hansard/sql'
import {
  activateAdapters,
  type CloseDecision,
  closeInterval,
  nextUnsealed,
  noteLacking,
  noteProblem,
  numberExports,
  openInterval,
  readAsked,
  registerAdapters,
  StagedRowMissing,
  type WorkRequest,
  waitingRequests,
} from '@hansard/staging'
import { ADAPTERS, RECORD_SETTING } from './adapter-settings.ts'
import { anchorProblem } from './anchor-settings.ts'
import { createAnchoring } from './anchoring.ts'
import {
  answerCheck,
  answerFailure,
  answerReplay,
  answerRestore,
  answerRetry,
  answerSeal,
  cutFor,
} from './answer-requests.ts'
import { createAuditChecking } from './check-audit.ts'
import { checkStep, isCheckDue } from './check-files.ts'
import { storedFilesIn } from './check-stored-file.ts'
import { isDatabaseTrouble } from './classify-error.ts'
import { CHECK_FILES_EVERY_MS, type ComplianceWorkerConfig } from './config.ts'
import { createDiskStates } from './disk-states.ts'
import { exportProblem } from './export-problem.ts'
import { createLanes } from './lanes.ts'
import { createPoolSealing } from './pool-sealing.ts'
import { configurationReader, type WorkerConfiguration } from './read-configuration.ts'
import { type ExportDeps, runExport, settingsOf, type TurnDeps } from './run-export.ts'

/** Maximum of intervals closed and exports sealed per tick: a day of catching up leaves time for requests. */
const PER_TURN = 20
const REST_MS_MAX = 5_000
const RETRY = { delayMs: 1_000, delayMaxMs: 60_000 }
const REPLAY = 'replay'
const FILE_REQUESTS = new Set<WorkRequest['kind']>(['replay', 'check', 'restore'])
const laneOf = (adapter: string) => `adapter ${adapter}`

type Exporter = {
  /** Closes, answers, and starts the adapters. Throws errors of lanes since the last tick. */
  turn(lease: Lease, signal: AbortSignal): Promise<'again' | 'pause'>
  /** Resolves when no lane is running; `progress` if one has done something since the last call. */
  settled(): Promise<'progress' | 'nothing'>
  /** Stops running stylesheets and resolves when no lane is running. */
  close(): Promise<void>
  /**
   * Whether a turn could find anything to do now. Most turns of a pool find nothing, and each takes many statements;
   * this takes at most one.
   */
  isDue(): Promise<boolean>
}

/**
 * The exporter: the loop of the worker that holds the lease.
 *
 * A tick closes due intervals, starts each adapter in a lane of its own, and answers requests. It waits for no
 * export: closing intervals never depends on a stylesheet. All state is in the database; if a tick is cut off
 * anywhere, the next one reads where to continue. An adapter that cannot continue (its disk is full, its stylesheet
 * is broken or never ends) waits alone: staging, closing and the other adapters continue.
 */
export function createExporter(given: {
  db: Database
  clock: Clock
  log: Log
  /**
   * called when an export was sealed, or when a lane has met an error that concerns the whole worker: the next tick
   * has work
   */
  onProgress: () => void
  config: ComplianceWorkerConfig
  holder: string
  /** what pool manifests are signed with; undefined: there are none */
  keys?: SigningKeys | undefined
}): Exporter {
  const { db, clock, log, config } = given
  const unsafe = directoryProblem([RECORD_SETTING, ...config.adapters], config.outputDirectory)
  if (unsafe !== undefined) throw new Error(unsafe)
  const { anchors = [], outputDirectory: output } = config
  const anchoredInside = anchorProblem(anchors, output)
  if (anchoredInside !== undefined) throw new Error(anchoredInside)
  /** the settings version with which an adapter's stylesheet was compiled */
  const tried = new Map<string, number>()
  const retries = new Map<string, { at: number; failures: number }>()
  const readConfiguration = configurationReader(config, given)
  let version: number | undefined
  const lanes = createLanes({ onProgress: given.onProgress })
  const poolSealing = given.keys && createPoolSealing({ ...given, keys: given.keys })
  const anchoring = createAnchoring({ ...given, anchors, outputDirectory: output })
  /** nothing falls due before this unless somebody asks for it */
  let restsUntil = 0
  /** A longer wait than was ever set means that the clock was set back, by as much as hours. */
  const waits = (until: number, waitMaxMs: number) => {
    const leftMs = until - clock.now()
    return leftMs > 0 && leftMs <= waitMaxMs
  }
  let checking: Promise<void> | undefined
  const auditChecking = createAuditChecking(given)
  let auditing: Promise<void> | undefined
  const disks = createDiskStates({ ...given, ...config })
  const openStoredFile = storedFilesIn(config.complianceFileStore)

  return {
    async isDue() {
      if (!waits(restsUntil, REST_MS_MAX)) return true
      const asked = await readAsked(db)
      return asked.requests > 0 || asked.version !== version
    },
    async turn(lease, signal) {
      restsUntil = 0
      const { pool, outputDirectory } = config
      lanes.throwFailure(lease)
      const deps: TurnDeps = { ...given, lease, pool, outputDirectory, openStoredFile, signal }
      const configuration = await readConfiguration()
      const names = configuration.adapters.map((setting) => setting.name)
      await registerAdapters(db, lease, configuration.adapters)
      if (configuration.version !== version) {
        // A changed configuration is tried at once, without waiting for the next attempt.
        retries.clear()
        await activateAdapters(db, lease, names)
        lanes.keep([...names.map(laneOf), REPLAY])
        version = configuration.version
      }
      const requests = await waitingRequests(db)
      for (const request of ofKind(requests, 'quarantine-retry')) {
        await answered(deps, request, () => answerRetry(deps, request))
      }

      const seals = ofKind(requests, 'seal')
      const closing = await closeWhatCan(deps, seals, configuration)
      for (const setting of configuration.adapters) {
        const carryOn = (engine: XsltEngine) => exportWhatCan({ ...deps, engine }, setting, configuration)
        lanes.run({ name: laneOf(setting.name), lease, work: carryOn, subject: JSON.stringify(setting) })
      }
      poolSealing?.run(lease, signal)
      await anchoring.run(lease, signal)
      checkAudit(deps)
      for (const request of seals)
        await answerSeal(deps, request, { adapters: names, waitsFor: sentence(closing.held) })
      const ofFiles = (all: readonly WorkRequest[]) => all.find(({ kind }) => FILE_REQUESTS.has(kind))
      if (await isCheckDue(db, clock.now(), config.checkFilesEveryMs ?? CHECK_FILES_EVERY_MS)) checkFiles(deps)
      if (ofFiles(requests)) {
        const work = async (engine: XsltEngine): Promise<'progress' | 'nothing'> => {
          // Read again: the lane may have answered the one this tick has read.
          const request = ofFiles(await waitingRequests(db))
          const own = { ...deps, engine, adapters: ADAPTERS }
          if (!request) return 'nothing'
          await answered(deps, request, () => answerOfFiles(own, request))
          return 'progress'
        }
        lanes.run({ name: REPLAY, lease, work, subject: REPLAY })
      }
      if (closing.closed >= PER_TURN) return 'again'
      // An interval that has ended, or is to be sealed, is looked at with every report of the sources' progress. Events
      // that come late, for an interval that is closed, are found by the turn that ends the rest.
      const endsAt = seals.length > 0 ? 0 : (closing.endsAt ?? 0)
      const retriesAt = [...[...retries.values()].map(({ at }) => at), anchoring.retryAt() ?? Infinity]
      restsUntil = Math.min(clock.now() + REST_MS_MAX, endsAt, ...retriesAt)
      return 'pause'
    },
    async settled() {
      const all = [lanes.settled(), poolSealing?.settled(), anchoring.settled(), checking, auditing]
      return (await Promise.all(all)).includes('progress') ? 'progress' : 'nothing'
    },
    async close() {
      await Promise.all([lanes.close(), poolSealing?.settled(), anchoring.close(), checking, auditing])
    },
  }

  /** A step of the scheduled check beside everything else: a slow disk delays nobody. */
  function checkFiles(deps: TurnDeps): void {
    checking ??= checkStep(deps)
      .catch((error: unknown) => {
        if (!isWorkersOwn(error, deps)) log.error({ err: error }, 'the sealed files could not be checked')
      })
      .finally(() => {
        checking = undefined
      })
  }

  /** A step of the check of the audit trail, likewise. */
  function checkAudit(deps: TurnDeps): void {
    auditing ??= auditChecking
      .step(deps.lease)
      .catch((error: unknown) => {
        if (!isWorkersOwn(error, deps)) log.error({ err: error }, 'the audit trail could not be checked')
      })
      .finally(() => {
        auditing = undefined
      })
  }

  /** A request that cannot be carried out is answered too: unanswered it would be tried for ever, before all others. */
  async function answered(deps: TurnDeps, request: WorkRequest, answer: () => Promise<void>): Promise<void> {
    try {
      await answer()
    } catch (error) {
      if (isWorkersOwn(error, deps)) throw error
      log.error({ request: request.id, kind: request.kind, err: withoutContent(error) }, 'a request failed')
      await answerFailure(deps, request, exportProblem(error, ''))
    }
  }

  /**
   * Compiles a new stylesheet at once, so that an operator learns of an error now and not at the end of the interval.
   */
  async function tryStylesheet({ engine, lease }: ExportDeps, { name, stylesheet }: AdapterSetting): Promise<void> {
    try {
      if (stylesheet !== undefined) await engine.compile(stylesheet)
    } catch (error) {
      if (error instanceof XsltEngineClosed) throw error
      const problem = exportProblem(error, '')
      log.error({ adapter: name, err: withoutContent(error) }, problem)
      await noteProblem(db, lease, { adapter: name, problem, now: clock.now() })
    }
  }

  async function closeWhatCan(
    deps: TurnDeps,
    seals: readonly WorkRequest[],
    { runIntervalMs, adapters }: WorkerConfiguration,
  ): Promise<{ closed: number; held: CloseDecision | undefined; endsAt?: number }> {
    const cuts = seals.map(cutFor).sort((a, b) => a - b)
    for (let closed = 0; closed < PER_TURN; closed++) {
      deps.signal.throwIfAborted()
      const last = await openInterval(db, { runIntervalMs })
      if (!last) return { closed, held: undefined }
      const onDisk = await disks.adoptNext(deps.lease, adapters, last)
      if (onDisk === 'waits') return { closed, held: undefined, endsAt: last.endsAt }
      if (onDisk === 'adopted') {
        log.warn({ interval: last.number }, 'interval closed as the exports on disk have it')
        continue
      }
      const cutAt = cuts.find((cut) => cut > last.startsAt)
      const interval = (await openInterval(db, { runIntervalMs, cutAt })) ?? last
      // A source whose clock is ahead has reported past an end that has not come: nothing is sealed into the future.
      if (interval.endsAt > (await databaseNow(db, clock))) return { closed, held: undefined, endsAt: interval.endsAt }
      const decision = await closeInterval(db, deps.lease, { interval, now: clock.now() })
      if (!decision.close) return { closed, held: decision, endsAt: interval.endsAt }
      log.info({ interval: interval.number, endsAt: new Date(interval.endsAt).toISOString() }, 'interval closed')
    }
    return { closed: PER_TURN, held: undefined }
  }

  /** The work of an adapter's lane. Seals at most `PER_TURN` exports, so that settings are read again in between. */
  async function exportWhatCan(
    deps: ExportDeps,
    setting: AdapterSetting,
    { directoryProblemOf, approval, version: configured }: WorkerConfiguration,
  ): Promise<'progress' | 'nothing'> {
    const { name } = setting
    if (tried.get(name) !== configured) {
      await tryStylesheet(deps, setting)
      tried.set(name, configured)
    }
    const retry = retries.get(name)
    if (retry && waits(retry.at, RETRY.delayMaxMs)) return 'nothing'
    // Anybody who mended the directory since expects it to be read.
    if (retry) disks.forget(name)
    let sealed = 0
    const adapter = ADAPTERS.get(setting.adapter)
    if (!adapter) throw new Error(`There is no adapter ${setting.adapter}.`)
    try {
      const unsafe = directoryProblemOf(setting)
      if (unsafe !== undefined) throw new Error(unsafe)
      const diskState = () => disks.of(deps.lease, setting)
      const onDisk = [...(await diskState()).unknown.values()]
      for (; sealed < PER_TURN; sealed++) {
        deps.signal.throwIfAborted()
        let unsealed = await nextUnsealed(db, name)
        if (!unsealed) {
          if (!(await numberExports(db, deps.lease, { adapter: name, now: clock.now(), sealed: onDisk }))) break
          unsealed = await nextUnsealed(db, name)
        }
        if (!unsealed) break
        const { number, kind } = unsealed
        await runExport(deps, { setting, adapter, unsealed, diskState, approval })
        log.info({ export: `${name}/${number}`, kind, events: unsealed.events }, 'export sealed')
      }
      retries.delete(name)
      return sealed > 0 ? 'progress' : 'nothing'
    } catch (error) {
      disks.forget(name)
      // Database errors and the end of the lease concern the whole worker; all other errors this adapter only.
      if (isWorkersOwn(error, deps) || error instanceof XsltEngineClosed) throw error
      if (error instanceof StagedRowMissing) await noteLacking(db, deps.lease, error)
      const failures = (retry?.failures ?? 0) + 1
      retries.set(name, { failures, at: clock.now() + backoffMs(failures - 1, RETRY) })
      const problem = exportProblem(error, settingsOf(deps, setting, adapter).directory)
      log.error({ adapter: name, err: withoutContent(error), failures }, problem)
      await noteProblem(db, deps.lease, { adapter: name, problem, now: clock.now() })
      return sealed > 0 ? 'progress' : 'nothing'
    }
  }
}

function isWorkersOwn(error: unknown, { signal }: TurnDeps): boolean {
  return error instanceof LeaseLost || signal.aborted || isDatabaseTrouble(error)
}

async function answerOfFiles(
  deps: ExportDeps & { adapters: ReadonlyMap<string, Adapter | RecordAdapter> },
  request: WorkRequest,
): Promise<void> {
  if (request.kind === 'replay') await answerReplay(deps, request)
  if (request.kind === 'restore') await answerRestore(deps, request)
  if (request.kind === 'check') await answerCheck(deps, request)
}

function ofKind<K extends WorkRequest['kind']>(requests: readonly WorkRequest[], kind: K) {
  return requests.filter((request): request is WorkRequest & { kind: K } => request.kind === kind)
}

/** The stylesheet engine's output may quote chats and must not be logged, because logs are passed on. */
function withoutContent(error: unknown): unknown {
  return error instanceof StylesheetError ? { type: error.name, message: error.message } : error
}

function sentence(held: CloseDecision | undefined): string | null {
  if (!held || held.close) return null
  if (held.why === 'no-roll-call') return 'Waiting for source progress: is the relay running?'
  const who = held.holding.map(({ source, epoch, why, missing }) =>
    why === 'silent' ? `${source}/${epoch} has not reported` : `${missing} events of ${source}/${epoch} are in flight`,
  )
  return `Waiting for sources: ${who.join('; ')}.`
}
