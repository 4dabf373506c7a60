import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Removes a chat. */
export function deleteChat(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
  session: Session,
  { id, room, chat }: ClientMessageOf<'delete-chat'>,
): Promise<void> {
  return runCommand(session, id, commands.deleteChat(session.principal!, { room, chat }), () => ({ t: 'done', re: id }))
}
