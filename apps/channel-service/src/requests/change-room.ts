import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Changes properties of a room, or moves it to another category. */
export function changeRoom(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
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
