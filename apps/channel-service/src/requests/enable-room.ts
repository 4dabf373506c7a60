import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Enables a disabled room. */
export function enableRoom(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
  session: Session,
  { id, room }: ClientMessageOf<'enable-room'>,
): Promise<void> {
  return runCommand(session, id, commands.enableRoom(session.principal!, { room }), () => ({ t: 'done', re: id }))
}
