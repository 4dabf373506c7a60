import { searchFeed } from '@hansard/chat-index'
import { findFeed, principalIdsByUri } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { auditedRead } from './search-history.ts'
import { feedOnRecord } from './search-on-record.ts'

const PAGE_DEFAULT = 100
const PAGE_MAX = 999

/** Shows the chats that a feed matches in the rooms the caller may read, newest first. */
export async function openFeed(
  deps: Pick<ChannelServiceDeps, 'db' | 'writer' | 'rooms' | 'configuration'>,
  session: Session,
  { id, name, limit: wanted = PAGE_DEFAULT, after }: ClientMessageOf<'open-feed'>,
): Promise<void> {
  const { db, configuration } = deps
  const owner = session.principal!
  const feed = await findFeed(db, { principalId: owner.id, name })
  if (!feed) return session.refuse(id, 'no-such-feed', 'You have no feed of that name.')
  const limit = Math.min(wanted, configuration.limits.searchLimit, PAGE_MAX)
  const { filter } = feed
  await auditedRead(deps, session, {
    id,
    query: feedOnRecord(filter, owner),
    async search(rooms) {
      const authorIds = await principalIdsByUri(db, filter.authors)
      return searchFeed(db, { roomIds: rooms.map((room) => room.id), filter, owner, authorIds, after, limit })
    },
  })
}
