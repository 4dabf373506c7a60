import { administers, decideFor, identitiesOf, type RoomAccess } from '@hansard/pool-store'
import { type Decision, decide, type RoomOperation, type Standing, standingOf } from '@hansard/rooms'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import type { RoomHub } from '../rooms/room-hub.ts'

/**
 * What a request in a room is decided by: the room as of one rights version, and the caller's standing in it. The
 * room's lists may contain only entries that concern the caller.
 */
export type MemberAccess = { readonly access: RoomAccess; readonly standing: Standing }

type AccessDecision =
  | { readonly allowed: true; readonly memberAccess: MemberAccess }
  | { readonly allowed: false; readonly decision: Extract<Decision, { allowed: false }> }

/**
 * Decides whether a session may do something in a room, joined or not. For a member, the hub decides; before a
 * refusal, and with `fresh`, the hub is compared with the record.
 *
 * For others, the hub may only allow, which costs less than the record. The timing of a refusal by the hub would
 * reveal that a hidden room has members. So the record refuses, after the same work as for a room that does not
 * exist.
 */
export async function decideInRoom(
  deps: Pick<ChannelServiceDeps, 'db' | 'rooms'>,
  session: Session,
  { uri, operation, fresh = false }: { uri: string; operation: RoomOperation; fresh?: boolean },
): Promise<AccessDecision> {
  const hub = deps.rooms.find({ uri })
  if (hub?.members.has(session)) {
    const decided = await decideAsMember(hub, session, operation, fresh)
    if (decided) return decided
  } else if (!fresh) {
    const memberAccess = await letInByHub(deps, session, hub, operation)
    if (memberAccess) return { allowed: true, memberAccess }
  }
  return decideByRecord(deps, session, hub, { uri, operation })
}

/** Undefined when the session is not in the room any more. */
async function decideAsMember(
  hub: RoomHub,
  session: Session,
  operation: RoomOperation,
  fresh: boolean,
): Promise<AccessDecision | undefined> {
  if (fresh) await hub.confirmRights()
  const standing = hub.members.get(session)?.standing
  if (!standing) return undefined
  const { access } = hub
  const decision = hub.decide(operation, standing)
  if (decision.allowed) return { allowed: true, memberAccess: { access, standing } }
  return fresh ? { allowed: false, decision } : decideAsMember(hub, session, operation, true)
}

async function letInByHub(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  hub: RoomHub | undefined,
  operation: RoomOperation,
): Promise<MemberAccess | undefined> {
  // Taken before the standing is read: a change in between is found when the fact is recorded.
  const access = hub?.deleted ? undefined : hub?.access
  const who = session.principal!
  // Read also without a hub: the timing must not reveal whether there is one.
  const identities = await identitiesOf(db, who.id)
  const administrator = await administers(db, who)
  if (!access) return undefined
  const { scope, roles: granted } = access
  const standing = standingOf(identities, { scope, roles: granted, administrator })
  return decide(operation, access.rules, standing, access.settings).allowed ? { access, standing } : undefined
}

async function decideByRecord(
  { db }: Pick<ChannelServiceDeps, 'db'>,
  session: Session,
  hub: RoomHub | undefined,
  { uri, operation }: { uri: string; operation: RoomOperation },
): Promise<AccessDecision> {
  const { decision, standing, access } = await decideFor(db, operation, { uri }, session.principal!)
  if (!decision.allowed) return { allowed: false, decision }
  // Otherwise a hub whose state is older than the record would remove the session again.
  await hub?.reach(access!.room.rights)
  return { allowed: true, memberAccess: { access: access!, standing } }
}
