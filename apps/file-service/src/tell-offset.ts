import { findFileToken } from '@hansard/pool-store'
import type { FileServiceDeps } from './deps.ts'
import { tellIfMay } from './tell-if-may.ts'
import { endOf, type UploadAnswer } from './upload-answer.ts'

/** Reports how much of an upload has arrived, for a client that wants to resume it. Changes nothing. */
export async function tellOffset(deps: FileServiceDeps, asked: { readonly token: string }): Promise<UploadAnswer> {
  const { db, clock, files } = deps
  const token = await findFileToken(db.knex, { token: asked.token, kind: 'upload', now: clock.now() })
  return tellIfMay(deps, token, async ({ file }) =>
    file.state === 'uploading'
      ? { kind: 'incomplete', received: await files.received(file.id), size: file.size }
      : endOf(file),
  )
}
