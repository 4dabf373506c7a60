import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Creates a room; the caller becomes its manager. */
export function createRoom(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
  session: Session,
  { id, t: _, ...room }: ClientMessageOf<'create-room'>,
): Promise<void> {
  return runCommand(session, id, commands.createRoom(session.principal!, room), ({ uri, name }) => ({
    t: 'room-created',
    re: id,
    room: uri,
    name,
  }))
}
