import type { ClientMessageOf } from '@hansard/wire'
import { WATCHED_ROOMS_MAX } from '../attention/watches.ts'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

/** Notifies a session when something is new in a room that it may read. A first notice contains the newest chat id. */
export async function watchRoom(
  deps: Pick<ChannelServiceDeps, 'db' | 'rooms' | 'attention'>,
  session: Session,
  { id, room: uri }: ClientMessageOf<'watch'>,
): Promise<void> {
  const decided = await decideInRoom(deps, session, { uri, operation: 'read-history', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  const { room } = decided.memberAccess.access
  const outcome = await deps.attention.watches.add(session, { id: room.id, uri, rights: room.rights })
  if (outcome === 'limit-exceeded') {
    return session.refuse(id, 'limit-exceeded', `A session may watch ${WATCHED_ROOMS_MAX} rooms.`)
  }
  session.send({ t: 'done', re: id })
}
