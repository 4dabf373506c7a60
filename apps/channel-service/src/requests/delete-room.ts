import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Deletes a room permanently. */
export function deleteRoom(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
  session: Session,
  { id, room }: ClientMessageOf<'delete-room'>,
): Promise<void> {
  return runCommand(session, id, commands.deleteRoom(session.principal!, { room }), () => ({ t: 'done', re: id }))
}
