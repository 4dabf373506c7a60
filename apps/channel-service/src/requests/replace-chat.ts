import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Replaces a chat's text. The maximum length depends on what it replaces: a chat or a story. */
export function replaceChat(
  { commands, configuration }: Pick<ChannelServiceDeps, 'commands' | 'configuration'>,
  session: Session,
  { id, room, chat, text, title }: ClientMessageOf<'replace-chat'>,
): Promise<void> {
  const { limits } = configuration
  return runCommand(session, id, commands.replaceChat(session.principal!, { room, chat, text, title, limits }), () => ({
    t: 'done',
    re: id,
  }))
}
