import type { Bus } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import type { PoolCommands } from '@hansard/pool-commands'
import type { RecordWriter, SignIn, StoredPoolSettings } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { Attention } from './attention/attention.ts'
import type { LiveConfiguration } from './background/live-configuration.ts'
import type { ChannelServiceConfig } from './config.ts'
import type { Connections } from './delivery/connections.ts'
import type { RecordPart } from './departures/record-departures.ts'
import type { ByteLimits } from './requests/byte-limits.ts'
import type { RequestsUnderWay } from './requests/limits.ts'
import type { Delivery } from './rooms/deliver.ts'
import type { RoomsInService } from './rooms/rooms-in-service.ts'

/** What the service owns and its request handlers use. */
export type ChannelServiceDeps = {
  readonly db: Database
  readonly settings: StoredPoolSettings
  readonly commands: PoolCommands
  readonly clock: Clock
  readonly bus: Bus
  readonly writer: RecordWriter
  readonly signIn: SignIn
  readonly rooms: RoomsInService
  readonly recordPart: RecordPart
  readonly delivery: Delivery
  readonly config: ChannelServiceConfig
  readonly configuration: LiveConfiguration
  readonly attention: Attention
  readonly requests: RequestsUnderWay
  readonly byteLimits: ByteLimits
  readonly connections: Connections
}
