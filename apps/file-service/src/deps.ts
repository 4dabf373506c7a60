import type { Clock } from '@hansard/clock'
import type { FileStore, Scanner } from '@hansard/file-store'
import type { Log } from '@hansard/log'
import {
  decideFor,
  findPrincipal,
  type PolicyPlace,
  type Principal,
  policyEnables,
  type RecordWriter,
} from '@hansard/pool-store'
import type { Database, Knex } from '@hansard/sql'
import type { FileServiceConfig } from './config.ts'
import type { Transfers } from './transfers.ts'

/** What every use case of the service works with. */
export type FileServiceDeps = {
  readonly db: Database
  readonly clock: Clock
  readonly log: Log
  readonly writer: RecordWriter
  readonly config: FileServiceConfig
  /** where the service stands, by which the policy that counts for somebody is found */
  readonly place: PolicyPlace
  readonly domain: string
  /** what the pool serves files from */
  readonly files: FileStore
  /** the copy that belongs to the record */
  readonly complianceFiles: FileStore
  readonly scanner: Scanner | undefined
  readonly transfers: Transfers
}

/** An expected no. The code is part of the protocol; docs/files.md lists them. */
export type Refused = { readonly kind: 'refused'; readonly code: RefusalCode }
export type RefusalCode =
  /** The one answer to whoever may not have the file, whatever the reason. */
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

/** Thrown in a change to refuse it: nothing of it is written then. */
export class NoSuchFile extends Error {
  override name = 'NoSuchFile'
}

export type Asked = {
  readonly place: PolicyPlace
  readonly operation: 'upload-file' | 'download-file'
  readonly roomId: number
  readonly principalId: number
}

/** The principal, if it may do so now. */
export async function whoMay(db: Database, asked: Asked): Promise<Principal | undefined> {
  return permitted(db, asked)
}

/**
 * The same inside a change, for good: the room stays locked until the change commits, so what takes the right away comes
 * either before, and is seen here, or after. Throws `NoSuchFile` when it may not.
 */
export async function mustMay(db: Database, tx: Knex.Transaction, asked: Asked): Promise<Principal> {
  await lockRoom(db, tx, asked.roomId)
  const principal = await permitted(tx, asked)
  if (!principal) throw new NoSuchFile()
  return principal
}

/** Before anything else of a change is looked at: every change of a room waits for the one before. SQLite has one writer. */
export async function lockRoom(db: Database, tx: Knex.Transaction, roomId: number): Promise<void> {
  if (db.dialect === 'postgres') await tx('room').where({ id: roomId }).forUpdate().select('id')
}

async function permitted(db: Database | Knex.Transaction, asked: Asked): Promise<Principal | undefined> {
  const principal = await findPrincipal(db, { id: asked.principalId })
  if (!principal || principal.disabled) return undefined
  if (!(await policyEnables(db, { ...asked.place, principalId: principal.id }))) return undefined
  const { decision } = await decideFor(db, asked.operation, { id: asked.roomId }, principal)
  return decision.allowed ? principal : undefined
}
