import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Disables a room: everybody is put out, and nobody comes in. */
export function disableRoom(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
  session: Session,
  { id, room }: ClientMessageOf<'disable-room'>,
): Promise<void> {
  return runCommand(session, id, commands.disableRoom(session.principal!, { room }), () => ({ t: 'done', re: id }))
}
