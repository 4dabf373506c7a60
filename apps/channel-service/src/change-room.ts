import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Changes what a room is, or moves it to another category. */
export function changeRoom(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
  session: Session,
  { id, t: _, ...change }: ClientMessageOf<'change-room'>,
): Promise<void> {
  return runCommand(session, id, commands.changeRoom(session.principal!, change), ({ dropped, droppedFrom }) => ({
    t: 'done',
    re: id,
    dropped,
    droppedFrom,
  }))
}
