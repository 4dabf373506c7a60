import { unfollowRoom as removeFollowedRoom } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Takes a room off the list of those somebody follows. The answer is the same whether it was there, or is anywhere. */
export async function unfollowRoom(
  { db }: Pick<ChannelServiceParts, 'db'>,
  session: Session,
  { id, room: roomUri }: ClientMessageOf<'unfollow'>,
): Promise<void> {
  await removeFollowedRoom(db, { principalId: session.principal!.id, roomUri })
  session.send({ t: 'done', re: id })
}
