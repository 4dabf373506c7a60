import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { runCommand } from './run-command.ts'

/** Changes the principals who hold a role in a room. */
export function changeRoles(
  { commands }: Pick<ChannelServiceDeps, 'commands'>,
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
