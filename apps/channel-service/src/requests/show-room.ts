import { addInOf, loadRoomAccess, namedPrincipals, standingIn } from '@hansard/pool-store'
import { decide, mayKnowCategory, type RoomOperation } from '@hansard/rooms'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { roomEntry } from './list-rooms.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

/** Shows one room; its managers also see its roles. */
export async function showRoom(
  deps: Pick<ChannelServiceDeps, 'db' | 'rooms'>,
  session: Session,
  { id, room: uri }: ClientMessageOf<'room'>,
): Promise<void> {
  const { db } = deps
  const decided = await decideInRoom(deps, session, { uri, operation: 'see', fresh: true })
  if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
  const { access, standing } = decided.memberAccess
  const may = (operation: RoomOperation) => decide(operation, access.rules, standing, access.settings).allowed
  const { room } = access
  session.send({
    t: 'room',
    re: id,
    room: {
      ...roomEntry(room),
      invitations: room.invitations,
      addIn: await addInOf(db, room),
      createdAt: room.createdAt,
      mayJoin: may('join'),
      mayPost: may('post'),
      mayManage: may('change-room'),
      ...(mayKnowCategory(access.rules, standing) ? { category: room.category } : {}),
      ...(may('see-roles') ? await rolesShown(deps, session, room.id) : {}),
    },
  })
}

/** Whole lists are read only for callers who may see them; the decision uses the lists that were read. */
async function rolesShown({ db }: Pick<ChannelServiceDeps, 'db'>, session: Session, roomId: number) {
  const access = await loadRoomAccess(db, { id: roomId })
  if (!access) return {}
  const standing = await standingIn(db, access, session.principal!)
  if (!decide('see-roles', access.rules, standing, access.settings).allowed) return {}
  const { room, roles } = access
  return {
    category: room.category,
    members: await namedPrincipals(db, roles.members),
    managers: await namedPrincipals(db, roles.managers),
    presenters: await namedPrincipals(db, roles.presenters),
  }
}
