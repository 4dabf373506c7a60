import { isAbsolute } from 'node:path'
import {
  type AdapterSetting,
  type AllowedDirectories,
  adaptersOf,
  type ComplianceConfiguration,
  configurationsOf,
  directoryProblem,
  outputDirectoryProblem,
  RECORD_SERIES,
  runIntervalOf,
} from '@hansard/adapter'
import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import type { Database } from '@hansard/sql'
import { type ApprovalMode, listComplianceConfigurations, seedComplianceConfigurations } from '@hansard/staging'
import { RECORD_SETTING } from './adapter-settings.ts'
import type { ComplianceWorkerConfig } from './config.ts'

/** The export configuration as read at the start of a tick. */
export type WorkerConfiguration = {
  /** differs from that of the previous tick whenever anything does */
  readonly version: number
  /** the configured ones, and the record series */
  readonly adapters: readonly AdapterSetting[]
  readonly runIntervalMs: number
  readonly approval: ApprovalMode
  /** why this adapter's files may not be written to their directory, or undefined */
  directoryProblemOf(setting: AdapterSetting): string | undefined
}

/**
 * Reads the compliance configuration from the compliance database. The very first worker copies its settings file
 * there.
 *
 * Directories are checked again here although they were checked when they were set: that was with another program's
 * settings, and this program's account does the writing.
 *
 * The record series is added here, after everything that somebody can configure: no setting removes it.
 */
export function configurationReader(
  config: ComplianceWorkerConfig,
  { db, clock, log, holder }: { db: Database; clock: Clock; log: Log; holder: string },
): () => Promise<WorkerConfiguration> {
  // The administrator of this machine wrote the settings file.
  const named = config.adapters.flatMap(({ outputDirectory }) =>
    outputDirectory !== undefined && isAbsolute(outputDirectory) ? [outputDirectory] : [],
  )
  const allowed: AllowedDirectories = {
    outputDirectory: config.outputDirectory,
    directoriesAllowed: [...(config.directoriesAllowed ?? []), ...named],
  }
  let seeded = false
  let warnedOf: number | undefined
  return async () => {
    if (!seeded) {
      const configurations = configurationsOf(config.adapters)
      await seedComplianceConfigurations(db, { configurations, actor: `worker:${holder}`, now: clock.now() })
      seeded = true
    }
    const { version, approval, configurations } = await listComplianceConfigurations(db)
    const known = configurations as readonly ComplianceConfiguration[]
    const configured = adaptersOf(known)
    // Configured before the name was reserved. Its exports stay, and the series goes on as the record series.
    if (configured.some(({ name }) => name === RECORD_SERIES) && version !== warnedOf) {
      const adapter = RECORD_SERIES
      log.error(
        { adapter },
        'this adapter stops: its name is reserved; add it under another name, with --from beginning',
      )
      warnedOf = version
    }
    const adapters = [...configured.filter(({ name }) => name !== RECORD_SERIES), RECORD_SETTING]
    return {
      version,
      approval,
      adapters,
      runIntervalMs: runIntervalOf(known) ?? config.runIntervalMs,
      directoryProblemOf: (setting) => problemOf(setting, adapters, allowed),
    }
  }
}

function problemOf(
  setting: AdapterSetting,
  adapters: readonly AdapterSetting[],
  allowed: AllowedDirectories,
): string | undefined {
  const { name, outputDirectory } = setting
  // Another adapter that was given its directory stops; the record series does not.
  if (name === RECORD_SERIES) return undefined
  const notAllowed = outputDirectory === undefined ? undefined : outputDirectoryProblem(outputDirectory, allowed)
  if (notAllowed !== undefined) return notAllowed
  // Two adapters that conflict stop; all others continue.
  const others = adapters.filter((other) => other.name !== name)
  return others
    .map((other) => directoryProblem([other, setting], allowed.outputDirectory))
    .find((problem) => problem !== undefined)
}
