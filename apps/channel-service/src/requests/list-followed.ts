import { followedRooms } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Shows the rooms that the caller follows and may join, and how much is unread in them. */
export async function listFollowed(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id }: ClientMessageOf<'followed'>,
): Promise<void> {
  const rooms = await followedRooms(db, session.principal!.id)
  session.send({
    t: 'followed',
    re: id,
    rooms: rooms.map(({ uri, name, last, read, unread }) => ({ uri, name, last, read, unread })),
  })
}
