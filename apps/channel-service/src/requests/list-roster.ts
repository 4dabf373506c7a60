import { rosterOf } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

/** Shows all participants of a room that the caller may join, even if there are too many for notices. */
export async function listRoster(
  deps: Pick<ChannelServiceDeps, 'db' | 'rooms'>,
  session: Session,
  { id, room: uri }: ClientMessageOf<'roster'>,
): Promise<void> {
  const asked = { uri, operation: 'see-roster' } as const
  const first = await decideInRoom(deps, session, asked)
  if (!first.allowed) return refuseByRule(session, id, first.decision.reason)
  const participants = await rosterOf(deps.db, first.memberAccess.access.room.id)
  // Decide again after the reading: a caller that was removed must not see who joined later.
  const decided = await decideInRoom(deps, session, { ...asked, fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  session.send({ t: 'roster', re: id, room: uri, participants })
}
