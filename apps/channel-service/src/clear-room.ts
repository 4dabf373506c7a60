import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Removes everything that was posted in a room up to a moment. */
export function clearRoom(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
  session: Session,
  { id, room, through }: ClientMessageOf<'clear-room'>,
): Promise<void> {
  return runCommand(session, id, commands.clearRoom(session.principal!, { room, through }), ({ count }) => ({
    t: 'done',
    re: id,
    count,
  }))
}
