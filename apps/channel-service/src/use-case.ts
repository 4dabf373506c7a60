import type { Bus } from '@hansard/bus'
import type { Clock } from '@hansard/clock'
import type { PoolCommands } from '@hansard/pool-commands'
import type { PoolSettings, RecordWriter, SignIn } from '@hansard/pool-store'
import type { Database } from '@hansard/sql'
import type { Attention } from './attention.ts'
import type { ChannelServiceConfig } from './config.ts'
import type { Connections } from './connections.ts'
import type { Handout } from './handout.ts'
import type { LiveConfiguration } from './live-configuration.ts'
import type { RecordPart } from './part-room.ts'
import type { RequestsUnderWay } from './requests-under-way.ts'
import type { RoomsInService } from './rooms-in-service.ts'

/** What the service owns and its use cases may take from. */
export type ChannelServiceParts = {
  readonly db: Database
  readonly settings: PoolSettings
  readonly commands: PoolCommands
  readonly clock: Clock
  readonly bus: Bus
  readonly writer: RecordWriter
  readonly signIn: SignIn
  readonly rooms: RoomsInService
  readonly recordPart: RecordPart
  readonly handout: Handout
  readonly config: ChannelServiceConfig
  readonly configuration: LiveConfiguration
  readonly attention: Attention
  readonly requests: RequestsUnderWay
  readonly connections: Connections
}
