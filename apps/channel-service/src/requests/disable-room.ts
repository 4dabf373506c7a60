import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Disables a room: removes all participants, and nobody can join. */
export function disableRoom(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
  session: Session,
  { id, room }: ClientMessageOf<'disable-room'>,
): Promise<void> {
  return runCommand(session, id, commands.disableRoom(session.principal!, { room }), () => ({ t: 'done', re: id }))
}
