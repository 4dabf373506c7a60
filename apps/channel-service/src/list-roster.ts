import { rosterOf } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Shows everybody in the room, also where there are too many for notices. */
export async function listRoster(
  { db }: Pick<ChannelServiceParts, 'db'>,
  session: Session,
  { id, room }: ClientMessageOf<'roster'>,
): Promise<void> {
  const hub = session.memberships.get(room)?.hub
  if (!hub) return session.refuse(id, 'not-joined', 'Join the room before you ask who is in it.')
  session.send({ t: 'roster', re: id, room, participants: await rosterOf(db, hub.id) })
}
