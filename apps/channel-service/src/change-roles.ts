import type { ClientMessageOf } from '@hansard/wire'
import { runCommand } from './run-command.ts'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** Changes whom a room grants one of its roles. */
export function changeRoles(
  { commands }: Pick<ChannelServiceParts, 'commands'>,
  session: Session,
  { id, room, role, add, remove }: ClientMessageOf<'change-roles'>,
): Promise<void> {
  return runCommand(
    session,
    id,
    commands.changeRoles(session.principal!, { room, role, change: { add, remove } }),
    ({ dropped, droppedFrom }) => ({ t: 'done', re: id, dropped, droppedFrom }),
  )
}
