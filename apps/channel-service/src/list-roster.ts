import { rosterOf } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-footing.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Shows everybody in a room one may join, also where there are too many for notices. */
export async function listRoster(
  parts: Pick<ChannelServiceParts, 'db' | 'rooms'>,
  session: Session,
  { id, room: uri }: ClientMessageOf<'roster'>,
): Promise<void> {
  const asked = { uri, operation: 'see-roster' } as const
  const first = await decideInRoom(parts, session, asked)
  if (!first.allowed) return refuseByRule(session, id, first.decision.reason)
  const participants = await rosterOf(parts.db, first.footing.access.room.id)
  // Decided once more by what holds after the reading: nobody sees who came after they were put out.
  const decided = await decideInRoom(parts, session, { ...asked, fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  session.send({ t: 'roster', re: id, room: uri, participants })
}
