import { FOLLOWED_ROOMS_MAX, followRoom as putFollowedRoom } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

/** Adds a room to those the caller follows. */
export async function followRoom(
  deps: Pick<ChannelServiceDeps, 'db' | 'rooms'>,
  session: Session,
  { id, room: uri }: ClientMessageOf<'follow'>,
): Promise<void> {
  const decided = await decideInRoom(deps, session, { uri, operation: 'join', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  const roomId = decided.memberAccess.access.room.id
  const outcome = await putFollowedRoom(deps.db, { principalId: session.principal!.id, roomId })
  if (outcome === 'limit-exceeded') {
    return session.refuse(id, 'limit-exceeded', `You follow ${FOLLOWED_ROOMS_MAX} rooms, which is the maximum.`)
  }
  session.send({ t: 'done', re: id })
}
