import { putReadMark } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

/** Stores how far the caller has read a room. */
export async function markRead(
  deps: Pick<ChannelServiceDeps, 'db' | 'rooms'>,
  session: Session,
  { id, room: uri, chat: chatId }: ClientMessageOf<'mark-read'>,
): Promise<void> {
  const decided = await decideInRoom(deps, session, { uri, operation: 'join', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  const roomId = decided.memberAccess.access.room.id
  await putReadMark(deps.db, { principalId: session.principal!.id, roomId, chatId })
  session.send({ t: 'done', re: id })
}
