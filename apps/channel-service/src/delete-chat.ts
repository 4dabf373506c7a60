import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Removes a chat. */
export function deleteChat(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
  session: Session,
  { id, room, chat }: ClientMessageOf<'delete-chat'>,
): Promise<void> {
  return runCommand(session, id, commands.deleteChat(session.principal!, { room, chat }), () => ({ t: 'done', re: id }))
}
