import type { Clock } from '@hansard/clock'
import type { FileStore, Scanner } from '@hansard/file-store'
import type { Log } from '@hansard/log'
import type { FileCommands } from '@hansard/pool-commands'
import type { Database } from '@hansard/sql'
import type { FileServiceConfig } from './config.ts'
import type { Transfers } from './transfers.ts'

/** What every use case of the service needs. */
export type FileServiceDeps = {
  readonly db: Database
  readonly clock: Clock
  readonly log: Log
  readonly commands: FileCommands
  readonly config: FileServiceConfig
  readonly domain: string
  /** the store from which the pool serves files */
  readonly files: FileStore
  /** the record's copy */
  readonly complianceFiles: FileStore
  readonly scanner: Scanner | undefined
  readonly transfers: Transfers
}

/** An expected refusal. The code is part of the protocol; docs/files.md lists them. */
export type Refused = { readonly kind: 'refused'; readonly code: RefusalCode }
export type RefusalCode =
  /** The one answer to a caller without access to the file, whatever the reason. */
  | 'no-such-file'
  | 'wrong-offset'
  | 'too-much-data'
  | 'wrong-digest'
  | 'infected'
  | 'superseded'
  | 'conflict'
  | 'store-full'
  | 'too-many-transfers'
  | 'try-again'

export function refused(code: RefusalCode): Refused {
  return { kind: 'refused', code }
}
