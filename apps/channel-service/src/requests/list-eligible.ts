import { eligiblePrincipals } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import { categoriesToCreateIn } from './list-categories.ts'
import { refuseByRule } from './refusals.ts'
import { decideInRoom } from './room-access.ts'

const ELIGIBLE_DEFAULT = 100

/** Shows the principals that may hold roles in a room, or in a new room of a category. For callers who may assign them. */
export async function listEligible(
  deps: Pick<ChannelServiceDeps, 'db' | 'rooms'>,
  session: Session,
  { id, room: uri, category: name, presenters, text, limit = ELIGIBLE_DEFAULT }: ClientMessageOf<'eligible'>,
): Promise<void> {
  const { db } = deps
  if ((uri === undefined) === (name === undefined)) {
    return session.refuse(id, 'invalid', 'Ask either for a room or for a category.')
  }
  let categoryId: number
  let membersOf: number | undefined
  if (uri !== undefined) {
    const decided = await decideInRoom(deps, session, { uri, operation: 'change-roles', fresh: true })
    if (!decided.allowed) return refuseByRule(session, id, decided.decision.reason)
    const { room } = decided.memberAccess.access
    categoryId = room.categoryId
    // In an open room everybody in scope counts as a member.
    if (presenters && room.privacy !== 'open') membersOf = room.id
  } else {
    const category = (await categoriesToCreateIn(db, session)).find((known) => known.name === name)
    if (!category) return refuseByRule(session, id, 'not-a-creator')
    categoryId = category.id
  }
  const filter = text?.replaceAll('\0', '\ufffd')
  const principals = await eligiblePrincipals(db, { categoryId, membersOf, filter, limit })
  session.send({ t: 'eligible', re: id, principals: [...principals] })
}
