import { type AdapterSetting, directoryProblem, StylesheetError, type XsltEngine } from '@hansard/adapter'
import { backoffMs } from '@hansard/backoff'
import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import { type Database, type Lease, LeaseLost } from '@hansard/sql'
import {
  activateAdapters,
  type CloseDecision,
  closeInterval,
  nextUnsealed,
  noteProblem,
  numberExports,
  openInterval,
  readAsked,
  registerAdapters,
  type WorkRequest,
  waitingRequests,
} from '@hansard/staging'
import { ADAPTERS } from './adapter-settings.ts'
import { answerFailure, answerReplay, answerRetry, answerSeal, cutFor } from './answer-requests.ts'
import { storedFilesIn } from './check-stored-file.ts'
import { isDatabaseTrouble } from './classify-error.ts'
import type { ComplianceWorkerConfig } from './config.ts'
import { exportProblem } from './export-problem.ts'
import { configurationReader, type WorkerConfiguration } from './read-configuration.ts'
import { type ExportDeps, runExport, settingsOf } from './run-export.ts'

/** Intervals closed and exports sealed in one turn: a day of catching up leaves room for requests. */
const PER_TURN = 20
const REST_MS_MAX = 5_000
const RETRY = { delayMs: 1_000, delayMaxMs: 60_000 }

export type Exporter = {
  /** One turn. Answers `again` when there is more to do at once. */
  turn(lease: Lease, signal: AbortSignal): Promise<'again' | 'pause'>
  /**
   * Whether a turn could find anything to do now. Most turns of a pool find nothing, and each takes many statements; this takes
   * one at most.
   */
  isDue(): Promise<boolean>
}

/**
 * The exporter: what the worker that holds the lease does, again and again.
 *
 * A turn closes what can be closed, carries each adapter on, and answers requests. Everything it knows is in the
 * database; a turn that is cut off anywhere is followed by one that finds its place by reading. An adapter that cannot
 * get on (its disk is full, its stylesheet is broken) waits by itself: staging, closing and the other adapters go on.
 */
export function createExporter(given: {
  db: Database
  clock: Clock
  log: Log
  engine: XsltEngine
  config: ComplianceWorkerConfig
  holder: string
}): Exporter {
  const { db, clock, log, config, holder } = given
  const unsafe = directoryProblem(config.adapters, config.outputDirectory)
  if (unsafe !== undefined) throw new Error(unsafe)
  const retries = new Map<string, { at: number; failures: number }>()
  const readConfiguration = configurationReader(config, given)
  let version: number | undefined
  /** nothing falls due before this unless somebody asks for it */
  let restsUntil = 0
  const openStoredFile = storedFilesIn(config.complianceFileStore)

  return {
    async isDue() {
      if (clock.now() >= restsUntil) return true
      const asked = await readAsked(db)
      return asked.requests > 0 || asked.version !== version
    },
    async turn(lease, signal) {
      restsUntil = 0
      const { pool, outputDirectory } = config
      const deps: ExportDeps = { ...given, lease, pool, outputDirectory, openStoredFile, signal }
      const configuration = await readConfiguration()
      const names = configuration.adapters.map((setting) => setting.name)
      await registerAdapters(db, lease, names)
      if (configuration.version !== version) {
        // Whoever has corrected something does not wait for the next attempt.
        retries.clear()
        await activateAdapters(db, lease, names)
        await tryStylesheets(deps, configuration)
        version = configuration.version
      }
      const requests = await waitingRequests(db)
      for (const request of ofKind(requests, 'quarantine-retry')) {
        await answered(deps, request, () => answerRetry(deps, request))
      }

      const seals = ofKind(requests, 'seal')
      const closing = await closeWhatCan(deps, seals, configuration)
      let busy = closing.closed >= PER_TURN
      for (const setting of configuration.adapters) {
        if (await exportWhatCan(deps, setting, configuration)) busy = true
        signal.throwIfAborted()
      }
      for (const request of seals)
        await answerSeal(deps, request, { adapters: names, waitsFor: sentence(closing.held) })
      for (const request of ofKind(requests, 'replay').slice(0, 1)) {
        await answered(deps, request, () => answerReplay({ ...deps, adapters: ADAPTERS, holder }, request))
        busy = true
      }
      if (busy) return 'again'
      // An interval that has ended, or is to be sealed, is looked at with every report of the sources' progress. Events that come
      // late, for an interval that is closed, are found by the turn that ends the rest.
      const endsAt = seals.length > 0 ? 0 : (closing.endsAt ?? 0)
      const retriesAt = [...retries.values()].map(({ at }) => at)
      restsUntil = Math.min(clock.now() + REST_MS_MAX, endsAt, ...retriesAt)
      return 'pause'
    },
  }

  /** A request that cannot be carried out is answered all the same: unanswered it would be tried for ever, before all others. */
  async function answered(deps: ExportDeps, request: WorkRequest, answer: () => Promise<void>): Promise<void> {
    try {
      await answer()
    } catch (error) {
      if (isWorkersOwn(error, deps)) throw error
      log.error({ request: request.id, kind: request.kind, err: withoutContent(error) }, 'a request failed')
      await answerFailure(deps, request, exportProblem(error, ''))
    }
  }

  /** An operator who has just put in a stylesheet learns now, not at the end of the interval, that it is none. */
  async function tryStylesheets({ lease }: ExportDeps, { adapters }: WorkerConfiguration): Promise<void> {
    for (const { name, stylesheet } of adapters) {
      try {
        if (stylesheet !== undefined) await given.engine.compile(stylesheet)
      } catch (error) {
        const problem = exportProblem(error, '')
        log.error({ adapter: name, err: withoutContent(error) }, problem)
        await noteProblem(db, lease, { adapter: name, problem, now: clock.now() })
      }
    }
  }

  async function closeWhatCan(
    deps: ExportDeps,
    seals: readonly WorkRequest[],
    { runIntervalMs }: WorkerConfiguration,
  ): Promise<{ closed: number; held: CloseDecision | undefined; endsAt?: number }> {
    const cuts = seals.map(cutFor).sort((a, b) => a - b)
    for (let closed = 0; closed < PER_TURN; closed++) {
      deps.signal.throwIfAborted()
      const last = await openInterval(db, { runIntervalMs })
      if (!last) return { closed, held: undefined }
      const cutAt = cuts.find((cut) => cut > last.startsAt)
      const interval = (await openInterval(db, { runIntervalMs, cutAt })) ?? last
      const decision = await closeInterval(db, deps.lease, { interval, now: clock.now() })
      if (!decision.close) return { closed, held: decision, endsAt: interval.endsAt }
      log.info({ interval: interval.number, endsAt: new Date(interval.endsAt).toISOString() }, 'interval closed')
    }
    return { closed: PER_TURN, held: undefined }
  }

  /** True when there is more to do for this adapter. */
  async function exportWhatCan(
    deps: ExportDeps,
    setting: AdapterSetting,
    { directoryProblemOf }: WorkerConfiguration,
  ): Promise<boolean> {
    const { name } = setting
    const retry = retries.get(name)
    if (retry && clock.now() < retry.at) return false
    const adapter = ADAPTERS.get(setting.adapter)
    if (!adapter) throw new Error(`There is no adapter ${setting.adapter}.`)
    try {
      const unsafe = directoryProblemOf(setting)
      if (unsafe !== undefined) throw new Error(unsafe)
      for (let sealed = 0; sealed < PER_TURN; sealed++) {
        deps.signal.throwIfAborted()
        let unsealed = await nextUnsealed(db, name)
        if (!unsealed) {
          if (!(await numberExports(db, deps.lease, { adapter: name, now: clock.now() }))) break
          unsealed = await nextUnsealed(db, name)
        }
        if (!unsealed) break
        const { number, kind } = unsealed
        await runExport(deps, { setting, adapter, unsealed })
        log.info({ export: `${name}/${number}`, kind, events: unsealed.events }, 'export sealed')
        if (sealed === PER_TURN - 1) return true
      }
      retries.delete(name)
      return false
    } catch (error) {
      // The database's trouble and the end of the lease are the worker's own; everything else is this adapter's.
      if (isWorkersOwn(error, deps)) throw error
      const failures = (retry?.failures ?? 0) + 1
      retries.set(name, { failures, at: clock.now() + backoffMs(failures - 1, RETRY) })
      const problem = exportProblem(error, settingsOf(deps, setting, adapter).directory)
      log.error({ adapter: name, err: withoutContent(error), failures }, problem)
      await noteProblem(db, deps.lease, { adapter: name, problem, now: clock.now() })
      return false
    }
  }
}

function isWorkersOwn(error: unknown, { signal }: ExportDeps): boolean {
  return error instanceof LeaseLost || signal.aborted || isDatabaseTrouble(error)
}

function ofKind<K extends WorkRequest['kind']>(requests: readonly WorkRequest[], kind: K) {
  return requests.filter((request): request is WorkRequest & { kind: K } => request.kind === kind)
}

/** What a stylesheet's engine said may quote chats, and a log travels. */
function withoutContent(error: unknown): unknown {
  return error instanceof StylesheetError ? { type: error.name, message: error.message } : error
}

function sentence(held: CloseDecision | undefined): string | null {
  if (!held || held.close) return null
  if (held.why === 'no-roll-call') return 'Waiting for a roll call of the sources: is the relay running?'
  const who = held.holding.map(({ source, epoch, why, missing }) =>
    why === 'silent'
      ? `${source}/${epoch} has not reported`
      : `${missing} events of ${source}/${epoch} are on their way`,
  )
  return `Waiting for sources: ${who.join('; ')}.`
}
