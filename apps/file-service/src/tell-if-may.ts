import type { FileToken } from '@hansard/pool-store'
import { type FileServiceDeps, refused } from './deps.ts'
import type { UploadAnswer } from './upload-answer.ts'

/**
 * Answers about the state of an upload, only to callers who may upload. The right is checked before anything is read
 * or received, and again before the answer, because a body may take an hour and the right may be removed meanwhile.
 *
 * An answer about an upload reveals something about a room: that the upload is in progress, its offset, that it was
 * completed or infected. A caller who may no longer upload gets the answer for a token that does not exist, whatever
 * the state of the upload.
 *
 * An upload that this request completed was decided in the transaction that recorded it and needs no second check:
 * there the right was removed after the file was handed over.
 */
export async function tellIfMay(
  { commands, log }: FileServiceDeps,
  token: FileToken | undefined,
  ask: (token: FileToken) => Promise<UploadAnswer>,
): Promise<UploadAnswer> {
  if (!token) return refused('no-such-file')
  const { roomId } = token.file
  const may = () => commands.mayTransfer({ operation: 'upload-file', roomId, principalId: token.principalId })
  if (!(await may())) return refused('no-such-file')
  try {
    const answer = await ask(token)
    const decided = answer.kind === 'complete' && !answer.repeated
    return decided || (await may()) ? answer : refused('no-such-file')
  } catch (error) {
    if (await may()) throw error
    log.warn({ err: error, file: token.file.id }, 'an upload failed whose owner may not upload any more')
    return refused('no-such-file')
  }
}
