import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

/** Ends a `watch`. The answer is the same whether the caller watched the room and whether it exists. */
export function unwatchRoom(
  { attention }: Pick<ChannelServiceDeps, 'attention'>,
  session: Session,
  { id, room }: ClientMessageOf<'unwatch'>,
): void {
  attention.watches.remove(session, room)
  session.send({ t: 'done', re: id })
}
