import { hash } from 'node:crypto'
import { newKey } from '@hansard/credentials'
import { isFileId, newFileId, safeFileName, storedNameOf } from '@hansard/file-store'
import { type Database, groupedTransaction, type Knex } from '@hansard/sql'
import { findFile, type PoolFile } from './files.ts'

/**
 * File tokens: the right of one user to upload or download one file of one room, valid for half an hour.
 *
 * The channel service issues them in-band to callers with access, and the file service decides again when a token is
 * used: a token only permits asking again. It is 256 random bits; only its hash is stored.
 */
export type FileToken = {
  readonly tokenHash: string
  readonly file: PoolFile
  readonly principalId: number
  readonly expiresAt: number
  readonly usedAt: number | undefined
}
type FileTokenKind = 'upload' | 'download'

/**
 * Characters (UTF-16 units) of the name that a user gives a file. File systems have 255 bytes; the protocol refuses
 * more.
 */
export const GIVEN_NAME_MAX = 1_024

export const FILE_TOKEN_MS = 30 * 60 * 1_000

/** Limits that keep one user, or all together, from filling the disk with uploads they never finish. */
type FileTokenLimits = {
  /** concurrent uploads of one principal */
  readonly uploadsMax: number
  /** total bytes of uploads announced and not complete, of all principals */
  readonly bytesInFlightMax: number
  /** live download tokens of one principal */
  readonly downloadsMax: number
}
const DEFAULT_FILE_TOKEN_LIMITS: FileTokenLimits = {
  uploadsMax: 20,
  bytesInFlightMax: 20 * 1_024 ** 3,
  downloadsMax: 1_000,
}

type IssueFileToken = {
  readonly principalId: number
  readonly roomId: number
  readonly now: number
  /** URL at which clients reach the file service, without a trailing slash: `https://chat.example.com/files` */
  readonly filesUrl: string
  readonly limits?: FileTokenLimits
} & (
  | {
      readonly kind: 'upload'
      /**
       * exactly as the user gave it, at most `GIVEN_NAME_MAX` characters; it is made safe here, and kept as it is
       * beside that
       */
      readonly fileName: string
      /** bytes announced */
      readonly size: number
      /** the pool's setting, in units of 1,024 bytes */
      readonly maxFileSizeKb: number
    }
  | { readonly kind: 'download'; readonly fileId: string }
)

export type IssuedFileToken =
  | {
      readonly outcome: 'issued'
      readonly token: string
      readonly url: string
      readonly expiresAt: number
      readonly fileId: string
      readonly fileName: string
      readonly size: number
    }
  | {
      readonly outcome: 'refused'
      readonly reason: 'too-large' | 'limit-exceeded' | 'no-such-file'
      readonly message: string
    }

/**
 * Issues a token. The caller has decided that the principal may upload to the room, or download from it. A file of
 * another room and a file that cannot be downloaded are both `no-such-file`.
 */
export async function issueFileToken(db: Database, asked: IssueFileToken): Promise<IssuedFileToken> {
  const { kind, principalId, roomId, now, limits = DEFAULT_FILE_TOKEN_LIMITS } = asked
  if (
    kind === 'upload' &&
    !(Number.isSafeInteger(asked.size) && asked.size >= 0 && asked.size <= asked.maxFileSizeKb * 1_024)
  )
    return refused('too-large', `A file may have at most ${asked.maxFileSizeKb} KB here.`)
  const token = newKey()
  const expiresAt = now + FILE_TOKEN_MS
  return groupedTransaction(db, async (tx) => {
    // Count and insert under one lock: otherwise concurrent requests each pass the limit.
    if (db.dialect === 'postgres') await tx.raw('select pg_advisory_xact_lock(?)', [ISSUE_LOCK])
    const file =
      kind === 'upload'
        ? await announce(tx, { ...asked, limits, expiresAt })
        : await findDownload(tx, { ...asked, limits })
    if ('outcome' in file) return file
    await tx('file_token').insert({
      token_hash: hashOf(token),
      kind,
      file_id: file.id,
      principal_id: principalId,
      room_id: roomId,
      expires_at: expiresAt,
    })
    const url = `${asked.filesUrl}/${kind}`
    return { outcome: 'issued', token, url, expiresAt, fileId: file.id, fileName: file.fileName, size: file.size }
  })
}

const ISSUE_LOCK = 0x48616e66

type Announced = Pick<PoolFile, 'id' | 'fileName' | 'size'>
type Refused = Extract<IssuedFileToken, { outcome: 'refused' }>

async function announce(
  tx: Knex.Transaction,
  asked: Extract<IssueFileToken, { kind: 'upload' }> & { limits: FileTokenLimits; expiresAt: number },
): Promise<Announced | Refused> {
  const { principalId, roomId, now, limits, size } = asked
  const open = () => tx('file').where({ state: 'uploading' }).andWhere('expires_at', '>', now)
  const own = Number((await open().andWhere({ principal_id: principalId }).count('* as files').first())?.['files'])
  if (own >= limits.uploadsMax)
    return refused('limit-exceeded', `You have ${own} unfinished uploads. Complete one, or wait for it to expire.`)
  const all = Number((await open().sum('size as bytes').first())?.['bytes'] ?? 0)
  if (all + size > limits.bytesInFlightMax)
    return refused('limit-exceeded', 'The limit for all unfinished uploads is reached. Try again later.')
  if (asked.fileName.length > GIVEN_NAME_MAX)
    throw new RangeError(`A file name has at most ${GIVEN_NAME_MAX} characters, not ${asked.fileName.length}.`)
  const id = newFileId()
  const fileName = safeFileName(asked.fileName)
  await tx('file').insert({
    id,
    room_id: roomId,
    principal_id: principalId,
    file_name: JSON.stringify(fileName),
    given_name: JSON.stringify(asked.fileName),
    stored_name: storedNameOf(id, fileName),
    size,
    state: 'uploading',
    created_at: now,
    expires_at: asked.expiresAt,
  })
  return { id, fileName, size }
}

async function findDownload(
  tx: Knex.Transaction,
  asked: Extract<IssueFileToken, { kind: 'download' }> & { limits: FileTokenLimits },
): Promise<Announced | Refused> {
  const { principalId, roomId, now, limits } = asked
  const file = isFileId(asked.fileId) ? await findFile(tx, asked.fileId) : undefined
  if (file?.roomId !== roomId || file.state !== 'kept') return refused('no-such-file', 'There is no such file.')
  const live = await tx('file_token')
    .where({ principal_id: principalId, kind: 'download' })
    .andWhere('expires_at', '>', now)
    .count('* as tokens')
    .first()
  if (Number(live?.['tokens']) >= limits.downloadsMax)
    return refused('limit-exceeded', 'You have requested too many downloads. Try again later.')
  return file
}

function refused(reason: Refused['reason'], message: string): Refused {
  return { outcome: 'refused', reason, message }
}

/** What a token permits, or undefined. Unknown, expired and wrong-kind tokens get the same result. */
export async function findFileToken(
  knex: Knex | Knex.Transaction,
  { token, kind, now }: { token: string; kind: FileTokenKind; now: number },
): Promise<FileToken | undefined> {
  if (!/^[A-Za-z0-9_-]{43}$/.test(token)) return undefined
  const row: TokenRow | undefined = await knex('file_token')
    .where({ token_hash: hashOf(token), kind })
    .andWhere('expires_at', '>', now)
    .first()
  const file = row && (await findFile(knex, row.file_id))
  if (!file || file.roomId !== row.room_id) return undefined
  // Only the principal who announced a file may upload it.
  if (kind === 'upload' && file.principalId !== row.principal_id) return undefined
  return {
    tokenHash: row.token_hash,
    file,
    principalId: row.principal_id,
    expiresAt: row.expires_at,
    usedAt: row.used_at ?? undefined,
  }
}

/** Records the first use. False when the token had been used. */
export async function markTokenUsed(knex: Knex | Knex.Transaction, tokenHash: string, at: number): Promise<boolean> {
  return (await knex('file_token').where({ token_hash: tokenHash, used_at: null }).update({ used_at: at })) === 1
}

/** Deletes the tokens that expired before `before`; returns how many. */
export async function forgetFileTokens(knex: Knex, before: number): Promise<number> {
  return knex('file_token').where('expires_at', '<', before).delete()
}

function hashOf(token: string): string {
  return hash('sha256', token, 'hex')
}

type TokenRow = {
  token_hash: string
  file_id: string
  principal_id: number
  room_id: number
  expires_at: number
  used_at: number | null
}
