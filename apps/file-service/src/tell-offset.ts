import { findFileToken } from '@hansard/pool-store'
import { endOf, type UploadAnswer } from './upload-answer.ts'
import { type FileServiceParts, refused, whoMay } from './use-case.ts'

/** Tells how much of an upload has arrived, for a client that wants to go on with it. Changes nothing. */
export async function tellOffset(
  { db, clock, place, files }: FileServiceParts,
  asked: { readonly token: string },
): Promise<UploadAnswer> {
  const token = await findFileToken(db.knex, { token: asked.token, kind: 'upload', now: clock.now() })
  if (!token) return refused('no-such-file')
  const { file, principalId } = token
  if (file.state !== 'uploading') return endOf(file)
  if (!(await whoMay(db, { place, operation: 'upload-file', roomId: file.roomId, principalId })))
    return refused('no-such-file')
  return { kind: 'incomplete', received: await files.received(file.id), size: file.size }
}
