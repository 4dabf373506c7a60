import type { FileToken } from '@hansard/pool-store'
import { type FileServiceDeps, refused } from './deps.ts'
import type { UploadAnswer } from './upload-answer.ts'

/**
 * What an upload has come to, told to whoever may upload: asked before anything is looked at or taken, and again before the
 * answer, because a body may take an hour and the right may go meanwhile.
 *
 * An answer about an upload is knowledge about a room: that it goes on, stands at an offset, was completed, was infected.
 * Whoever may not upload any more hears the one word of a token that never was, whatever became of the upload.
 *
 * What this request completed was decided in the transaction that put it on record, and needs no second word: there the
 * right went after the file was handed over.
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
