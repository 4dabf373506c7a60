import { feedsOf } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Shows the caller's feeds. */
export async function listFeeds(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  { id }: ClientMessageOf<'feeds'>,
): Promise<void> {
  const { id: principalId } = session.principal!
  const feeds = (await feedsOf(db, [principalId])).get(principalId) ?? []
  session.send({
    t: 'feeds',
    re: id,
    feeds: feeds.map(({ name, filter: { words, authors, ego } }) => {
      return { name, filter: { words: [...words], authors: [...authors], ego } }
    }),
  })
}
