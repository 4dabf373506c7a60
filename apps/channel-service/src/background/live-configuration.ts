import { type PoolConfiguration, poolConfiguration } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import { DEFAULT_LIMITS, type Limits } from '@hansard/wire'

/** The part of the pool's configuration that may change while it runs, as last read by this service. */
export type LiveConfiguration = {
  readonly limits: Limits
  /** empty: none */
  readonly roomManagementUrl: string
  /** Reads it again. */
  reload(): Promise<void>
}

/** Reads the pool's effective configuration for this service. `overrides` take precedence. */
export async function readLiveConfiguration(
  db: Database,
  { service, site, overrides }: { service: string; site: string | undefined; overrides: Partial<Limits> },
): Promise<LiveConfiguration> {
  let current: PoolConfiguration
  let limits: Limits
  const reload = async () => {
    current = await poolConfiguration(db.knex, { site, service })
    limits = { ...limitsOf(current), ...overrides }
  }
  await reload()
  return {
    get limits() {
      return limits
    },
    get roomManagementUrl() {
      return current.roomManagementUrl
    },
    reload,
  }
}

function limitsOf(configuration: PoolConfiguration): Limits {
  const { chatBytesMax, storyBytesMax, defaultChatHistory, participantUpdateLimit, searchLimit, maxFileSizeKb } =
    configuration
  return {
    ...DEFAULT_LIMITS,
    chatBytesMax,
    storyBytesMax,
    historyPageDefault: defaultChatHistory,
    participantUpdateLimit,
    searchLimit,
    fileBytesMax: maxFileSizeKb * 1_024,
  }
}
