import { followedRooms } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Shows the rooms somebody follows and may come into, with what is unread in them. */
export async function listFollowed(
  { db }: Pick<ChannelServiceParts, 'db'>,
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
