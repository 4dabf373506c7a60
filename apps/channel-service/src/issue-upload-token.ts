import { issueFileToken } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import { answerFileToken, refuseNoFileService } from './answer-file-token.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-footing.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

type Parts = Pick<ChannelServiceParts, 'db' | 'clock' | 'rooms' | 'config' | 'configuration'>

/** Gives out a token to upload one file. The file service decides once more when it is used. */
export async function issueUploadToken(
  parts: Parts,
  session: Session,
  { id, room: uri, fileName, size }: ClientMessageOf<'upload-token'>,
): Promise<void> {
  const { db, clock, config, configuration } = parts
  const decided = await decideInRoom(parts, session, { uri, operation: 'upload-file', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  if (config.filesUrl === undefined) return refuseNoFileService(session, id)
  const issued = await issueFileToken(db, {
    kind: 'upload',
    principalId: session.principal!.id,
    roomId: decided.footing.access.room.id,
    now: clock.now(),
    filesUrl: config.filesUrl,
    fileName,
    size,
    maxFileSizeKb: Math.floor(configuration.limits.fileBytesMax / 1_024),
  })
  answerFileToken(session, id, issued)
}
