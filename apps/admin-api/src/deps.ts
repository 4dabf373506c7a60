import type { AllowedDirectories } from '@hansard/adapter'
import type { Bus } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import type { Log } from '@hansard/log'
import type { PoolCommands } from '@hansard/pool-commands'
import type { SignIn } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'

/** What the handlers of the admin API need. */
export type AdminApiDeps = {
  readonly poolDb: Database
  readonly complianceDb: Database
  readonly clock: Clock
  readonly log: Log
  readonly signIn: SignIn
  readonly bus: Bus
  /** makes every change of the pool and records it under this API's source */
  readonly commands: PoolCommands
  readonly pool: string
  /** the site whose policy applies to callers without a role */
  readonly site: string | undefined
  /** minimum number of characters of a password that a user chooses */
  readonly passwordCharactersMin: number
  readonly domain: string
  readonly version: string
  readonly runIntervalMs: number
  /** directories to which the compliance worker may be configured to write */
  readonly complianceDirectories: AllowedDirectories
  /** what is wrong with the server of the queue, in sentences */
  readonly queueTroubles?: (() => Promise<readonly string[]>) | undefined
  /** undefined while the queue is unreachable */
  readonly queueDepth: () => Promise<{ waiting: number; active: number; failed: number } | undefined>
}
