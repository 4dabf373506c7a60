import { deleteFeed as deleteFeedInStore } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Deletes one of the caller's feeds. */
export async function deleteFeed(
  { db, attention }: Pick<ChannelServiceDeps, 'db' | 'attention'>,
  session: Session,
  { id, name }: ClientMessageOf<'delete-feed'>,
): Promise<void> {
  const { id: principalId } = session.principal!
  if (!(await deleteFeedInStore(db, { principalId, name }))) {
    return session.refuse(id, 'no-such-feed', 'You have no feed of this name.')
  }
  await attention.feedsChanged(principalId)
  session.send({ t: 'done', re: id })
}
