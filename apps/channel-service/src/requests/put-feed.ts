import { FEEDS_MAX, feedProblem, putFeed as putFeedInStore } from '@hansard/pool-store'
import { nameProblem } from '@hansard/rooms'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Creates or replaces a feed. It is active in all sessions of the principal here before the answer is sent. */
export async function putFeed(
  { db, attention }: Pick<ChannelServiceDeps, 'db' | 'attention'>,
  session: Session,
  { id, name, filter }: ClientMessageOf<'put-feed'>,
): Promise<void> {
  const problem = nameProblem('A feed name', name) ?? feedProblem(filter)
  if (problem) return session.refuse(id, 'invalid', problem)
  const { id: principalId } = session.principal!
  if ((await putFeedInStore(db, { principalId, name, filter })) === 'limit-exceeded') {
    return session.refuse(id, 'limit-exceeded', `You have ${FEEDS_MAX} feeds, which is the maximum.`)
  }
  await attention.feedsChanged(principalId)
  session.send({ t: 'done', re: id })
}
