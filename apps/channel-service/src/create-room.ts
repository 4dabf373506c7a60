import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Makes a room; who makes it manages it. */
export function createRoom(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
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
