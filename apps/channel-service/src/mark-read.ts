import { putReadMark } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-footing.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Notes how far somebody has read a room. */
export async function markRead(
  parts: Pick<ChannelServiceParts, 'db' | 'rooms'>,
  session: Session,
  { id, room: uri, chat: chatId }: ClientMessageOf<'mark-read'>,
): Promise<void> {
  const decided = await decideInRoom(parts, session, { uri, operation: 'join', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  const roomId = decided.footing.access.room.id
  await putReadMark(parts.db, { principalId: session.principal!.id, roomId, chatId })
  session.send({ t: 'done', re: id })
}
