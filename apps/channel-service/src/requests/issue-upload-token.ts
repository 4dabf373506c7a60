import { issueFileToken } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { answerFileToken, refuseNoFileService } from './answer-file-token.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

type Deps = Pick<ChannelServiceDeps, 'db' | 'clock' | 'rooms' | 'config' | 'configuration'>

/** Issues a token to upload one file. The file service decides again when it is used. */
export async function issueUploadToken(
  deps: Deps,
  session: Session,
  { id, room: uri, fileName, size }: ClientMessageOf<'upload-token'>,
): Promise<void> {
  const { db, clock, config, configuration } = deps
  const decided = await decideInRoom(deps, session, { uri, operation: 'upload-file', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  if (config.filesUrl === undefined) return refuseNoFileService(session, id)
  const issued = await issueFileToken(db, {
    kind: 'upload',
    principalId: session.principal!.id,
    roomId: decided.memberAccess.access.room.id,
    now: clock.now(),
    filesUrl: config.filesUrl,
    fileName,
    size,
    maxFileSizeKb: Math.floor(configuration.limits.fileBytesMax / 1_024),
  })
  answerFileToken(session, id, issued)
}
