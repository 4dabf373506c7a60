import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Removes the chats a filter finds, or puts another text in their place. */
export function purgeChats(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
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
