import { issueFileToken } from '@hansard/pool-store'
import { parseFileUri } from '@hansard/rooms'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { answerFileToken, refuseNoFileService } from './answer-file-token.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

/** Issues a token to download one file of a room. The file service decides again when it is used. */
export async function issueDownloadToken(
  deps: Pick<ChannelServiceDeps, 'db' | 'clock' | 'rooms' | 'config'>,
  session: Session,
  { id, room: uri, file }: ClientMessageOf<'download-token'>,
): Promise<void> {
  const { db, clock, config } = deps
  const decided = await decideInRoom(deps, session, { uri, operation: 'download-file', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  if (config.filesUrl === undefined) return refuseNoFileService(session, id)
  const issued = await issueFileToken(db, {
    kind: 'download',
    principalId: session.principal!.id,
    roomId: decided.memberAccess.access.room.id,
    now: clock.now(),
    filesUrl: config.filesUrl,
    // A malformed file id is looked up like a valid one, so that the answer is the same.
    fileId: parseFileUri(file) ?? '',
  })
  answerFileToken(session, id, issued)
}
