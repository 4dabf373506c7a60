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
import { listComplianceConfigurations, seedComplianceConfigurations } from '@hansard/staging'
import type { ComplianceWorkerConfig } from './config.ts'

/** What the pool exports, as it was when a turn began. */
export type WorkerConfiguration = {
  /** differs from the one of the turn before whenever anything does */
  readonly version: number
  readonly adapters: readonly AdapterSetting[]
  readonly runIntervalMs: number
  /** why this adapter's files may not be written where they are to go, or undefined */
  directoryProblemOf(setting: AdapterSetting): string | undefined
}

/**
 * Reads the compliance configuration from the compliance database. The first worker that ever does puts there what its
 * settings file says.
 *
 * Directories are looked at again here although they were when somebody set them: that was another program's settings,
 * and it is this one's account that would write.
 */
export function configurationReader(
  config: ComplianceWorkerConfig,
  { db, clock, holder }: { db: Database; clock: Clock; holder: string },
): () => Promise<WorkerConfiguration> {
  // What stands in the settings file was put there by whoever runs this machine.
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
    const { version, configurations } = await listComplianceConfigurations(db)
    const known = configurations as readonly ComplianceConfiguration[]
    const adapters = adaptersOf(known)
    return {
      version,
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
  // Two that are in each other's way stop; all others go on.
  const others = adapters.filter((other) => other.name !== name)
  return others
    .map((other) => directoryProblem([other, setting], allowed.outputDirectory))
    .find((problem) => problem !== undefined)
}
