import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Removes the chats that match a filter, or replaces their text. */
export function purgeChats(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
  session: Session,
  { id, room, filter, replacement }: ClientMessageOf<'purge-chats'>,
): Promise<void> {
  return runCommand(
    session,
    id,
    commands.purgeChats(session.principal!, { room, filter, replacement }),
    ({ count }) => ({ t: 'done', re: id, count }),
  )
}
