import { unfollowRoom as removeFollowedRoom } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/**
 * Removes a room from those the caller follows. The answer is the same whether the caller followed it and whether it
 * exists.
 */
export async function unfollowRoom(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id, room: roomUri }: ClientMessageOf<'unfollow'>,
): Promise<void> {
  await removeFollowedRoom(db, { principalId: session.principal!.id, roomUri })
  session.send({ t: 'done', re: id })
}
