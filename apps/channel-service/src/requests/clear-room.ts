import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Removes all chats posted in a room up to a time. */
export function clearRoom(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
  session: Session,
  { id, room, through }: ClientMessageOf<'clear-room'>,
): Promise<void> {
  return runCommand(session, id, commands.clearRoom(session.principal!, { room, through }), ({ count }) => ({
    t: 'done',
    re: id,
    count,
  }))
}
