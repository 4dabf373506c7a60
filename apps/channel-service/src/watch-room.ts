import type { ClientMessageOf } from '@hansard/wire'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-footing.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'
import { WATCHED_ROOMS_MAX } from './watches.ts'

/** Lets a session hear that something is new in a room it may read. A first notice tells how far the room is. */
export async function watchRoom(
  parts: Pick<ChannelServiceParts, 'db' | 'rooms' | 'attention'>,
  session: Session,
  { id, room: uri }: ClientMessageOf<'watch'>,
): Promise<void> {
  const decided = await decideInRoom(parts, session, { uri, operation: 'read-history', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  const { room } = decided.footing.access
  const outcome = await parts.attention.watches.add(session, { id: room.id, uri, rights: room.rights })
  if (outcome === 'limit-exceeded') {
    return session.refuse(id, 'limit-exceeded', `A session may watch ${WATCHED_ROOMS_MAX} rooms.`)
  }
  session.send({ t: 'done', re: id })
}
