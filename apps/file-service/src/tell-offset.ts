import { findFileToken } from '@hansard/pool-store'
import { tellIfMay } from './tell-if-may.ts'
import { endOf, type UploadAnswer } from './upload-answer.ts'
import type { FileServiceParts } from './use-case.ts'

/** Tells how much of an upload has arrived, for a client that wants to go on with it. Changes nothing. */
export async function tellOffset(parts: FileServiceParts, asked: { readonly token: string }): Promise<UploadAnswer> {
  const { db, clock, files } = parts
  const token = await findFileToken(db.knex, { token: asked.token, kind: 'upload', now: clock.now() })
  return tellIfMay(parts, token, async ({ file }) =>
    file.state === 'uploading'
      ? { kind: 'incomplete', received: await files.received(file.id), size: file.size }
      : endOf(file),
  )
}
