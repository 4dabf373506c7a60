import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Puts another text in a chat's place. */
export function replaceChat(
  { commands, configuration }: Pick<ChannelServiceParts, 'commands' | 'configuration'>,
  session: Session,
  { id, room, chat, text }: ClientMessageOf<'replace-chat'>,
): Promise<void> | void {
  const { chatBytesMax } = configuration.limits
  if (Buffer.byteLength(text) > chatBytesMax)
    return session.refuse(
      id,
      'too-long',
      `A chat may have ${chatBytesMax} bytes; this one has ${Buffer.byteLength(text)}.`,
    )
  return runCommand(session, id, commands.replaceChat(session.principal!, { room, chat, text }), () => ({
    t: 'done',
    re: id,
  }))
}
