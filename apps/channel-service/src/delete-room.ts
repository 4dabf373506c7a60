import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Deletes a room, for good. */
export function deleteRoom(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
  session: Session,
  { id, room }: ClientMessageOf<'delete-room'>,
): Promise<void> {
  return runCommand(session, id, commands.deleteRoom(session.principal!, { room }), () => ({ t: 'done', re: id }))
}
