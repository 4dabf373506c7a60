import {
  decideFor,
  endUpload,
  type FileToken,
  findFile,
  findPrincipal,
  type Made,
  markTokenUsed,
  type PolicyPlace,
  type PoolFile,
  type Principal,
  policyEnables,
  type RecordWriter,
  shareAdmission,
} from '@hansard/pool-store'
import { fileUri } from '@hansard/rooms'
import type { Database, Knex } from '@hansard/sql'
import { lockRooms } from './locked.ts'

/** The right that a transfer needs. */
export type Transfer = {
  readonly operation: 'upload-file' | 'download-file'
  readonly roomId: number
  readonly principalId: number
}

/**
 * The changes that uploads and downloads make to a pool.
 *
 * A token only permits asking again, so each command decides in the transaction that records the transfer, under the
 * lock of the room. A change that takes the right away commits either before, and is seen here, or after. A caller
 * without the right gets `undefined`, whatever the reason, and nothing is written.
 */
export type FileCommands = ReturnType<typeof createFileCommands>

export function createFileCommands(deps: {
  readonly db: Database
  readonly writer: RecordWriter
  /** the service's pool and site: select the policy that applies to a principal */
  readonly place: PolicyPlace
  readonly domain: string
}) {
  const { db, writer, place, domain } = deps

  /** The principal, if they may make the transfer now. */
  const permitted = async (
    reader: Database | Knex.Transaction,
    { operation, roomId, principalId }: Transfer,
  ): Promise<Principal | undefined> => {
    const principal = await findPrincipal(reader, { id: principalId })
    if (!principal || principal.disabled) return undefined
    if (!(await policyEnables(reader, { ...place, principalId }))) return undefined
    const { decision } = await decideFor(reader, operation, { id: roomId }, principal)
    return decision.allowed ? principal : undefined
  }

  const lock = async (tx: Knex.Transaction, roomId: number) => {
    await shareAdmission(tx, db.dialect)
    await lockRooms(tx, [roomId])
  }

  const requirePermitted = async (tx: Knex.Transaction, transfer: Transfer): Promise<Principal> => {
    await lock(tx, transfer.roomId)
    const principal = await permitted(tx, transfer)
    if (!principal) throw new NotPermitted()
    return principal
  }

  const unlessRefused = async <T>(change: Promise<T>): Promise<T | undefined> => {
    try {
      return await change
    } catch (error) {
      if (error instanceof NotPermitted) return undefined
      throw error
    }
  }

  return {
    /** Whether a principal may make a transfer now. Changes nothing. */
    mayTransfer: async (transfer: Transfer): Promise<boolean> => (await permitted(db, transfer)) !== undefined,

    /**
     * Records a completed upload. Call it when the bytes are durable in both file stores. `ended` is false when the
     * upload had ended before; `file` says how.
     */
    keepUpload: ({ file, principalId, tokenHash }: FileToken, sha256: string) =>
      unlessRefused(
        writer.change(async (tx, at): Promise<Made<{ file: PoolFile; ended: boolean }>> => {
          const { id, roomId, size } = file
          const principal = await requirePermitted(tx, { operation: 'upload-file', roomId, principalId })
          if (!(await endUpload(tx, id, { state: 'kept', sha256, at })))
            return { events: [], rights: [], result: { file: (await findFile(tx, id))!, ended: false } }
          await markTokenUsed(tx, tokenHash, at)
          const detail = { kind: 'file-upload' as const, ...namesOf(file), size, sha256 }
          const kept: PoolFile = { ...file, state: 'kept', sha256 }
          return { events: [{ roomId, principal, detail }], rights: [], result: { file: kept, ended: true } }
        }),
      ),

    /**
     * Records that the scanner found something in an upload. Call it when the bytes are in the record's quarantine.
     * It needs no right of the sender: the finding is ours, not an act of theirs. Returns the file as it ended before,
     * or undefined when this call ended the upload.
     */
    quarantineUpload: (
      { file, principalId, tokenHash }: FileToken,
      { size, sha256, signature }: { size: number; sha256: string; signature: string },
    ): Promise<PoolFile | undefined> =>
      writer.change(async (tx, at): Promise<Made<PoolFile | undefined>> => {
        const { id, roomId, storedName, fileName, givenName } = file
        await lock(tx, roomId)
        if (!(await endUpload(tx, id, { state: 'quarantined', sha256, signature, at })))
          return { events: [], rights: [], result: (await findFile(tx, id))! }
        await markTokenUsed(tx, tokenHash, at)
        const principal = (await findPrincipal(tx, { id: principalId }))!
        const detail = {
          kind: 'change' as const,
          action: 'created' as const,
          subject: { type: 'quarantined-file' as const, uri: fileUri(domain, id), name: fileName },
          before: {},
          after: { storedName, size, sha256, signature, ...(givenName === undefined ? {} : { givenName }) },
        }
        return { events: [{ roomId, principal, detail }], rights: [], result: undefined }
      }),

    /** Records a download before its first byte is sent. With `once`, a token that was used before is refused. */
    recordDownload: (
      { principalId, tokenHash }: FileToken,
      file: PoolFile & { readonly sha256: string },
      { once }: { once: boolean },
    ): Promise<'recorded' | undefined> =>
      unlessRefused(
        writer.change(async (tx, at): Promise<Made<'recorded'>> => {
          const { roomId, size, sha256 } = file
          const principal = await requirePermitted(tx, { operation: 'download-file', roomId, principalId })
          const first = await markTokenUsed(tx, tokenHash, at)
          if (once && !first) throw new NotPermitted()
          const detail = { kind: 'file-download' as const, ...namesOf(file), size, sha256 }
          return { events: [{ roomId, principal, detail }], rights: [], result: 'recorded' }
        }),
      ),
  }
}

/** The names of a file, as its events have them: an older file's given name is not known. */
function namesOf({ storedName, fileName, givenName }: PoolFile) {
  return { storedName, fileName, ...(givenName === undefined ? {} : { givenName }) }
}

/** Thrown inside a change to refuse it: nothing is written. */
class NotPermitted extends Error {
  override name = 'NotPermitted'
}
