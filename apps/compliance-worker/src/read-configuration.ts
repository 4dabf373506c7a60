import { isAbsolute } from 'node:path'
import {
  type AdapterSetting,
  type AllowedDirectories,
  adaptersOf,
  type ComplianceConfiguration,
  configurationsOf,
  directoryProblem,
  outputDirectoryProblem,
  runIntervalOf,
} from '@hansard/adapter'
import type { Clock } from '@hansard/clock'
import type { Database } from '@hansard/sql'
import { type ApprovalMode, listComplianceConfigurations, seedComplianceConfigurations } from '@hansard/staging'
import type { ComplianceWorkerConfig } from './config.ts'

/** The export configuration as read at the start of a tick. */
export type WorkerConfiguration = {
  /** differs from that of the previous tick whenever anything does */
  readonly version: number
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
 */
export function configurationReader(
  config: ComplianceWorkerConfig,
  { db, clock, holder }: { db: Database; clock: Clock; holder: string },
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
  return async () => {
    if (!seeded) {
      const configurations = configurationsOf(config.adapters)
      await seedComplianceConfigurations(db, { configurations, actor: `worker:${holder}`, now: clock.now() })
      seeded = true
    }
    const { version, approval, configurations } = await listComplianceConfigurations(db)
    const known = configurations as readonly ComplianceConfiguration[]
    const adapters = adaptersOf(known)
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
  const notAllowed = outputDirectory === undefined ? undefined : outputDirectoryProblem(outputDirectory, allowed)
  if (notAllowed !== undefined) return notAllowed
  // Two adapters that conflict stop; all others continue.
  const others = adapters.filter((other) => other.name !== name)
  return others
    .map((other) => directoryProblem([other, setting], allowed.outputDirectory))
    .find((problem) => problem !== undefined)
}
