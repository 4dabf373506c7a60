import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Opens a disabled room again. */
export function enableRoom(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
  session: Session,
  { id, room }: ClientMessageOf<'enable-room'>,
): Promise<void> {
  return runCommand(session, id, commands.enableRoom(session.principal!, { room }), () => ({ t: 'done', re: id }))
}
