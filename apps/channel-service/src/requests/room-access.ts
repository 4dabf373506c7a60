import { administers, decideFor, identitiesOf, type RoomAccess } from '@hansard/pool-store'
import { type Decision, decide, type RoomOperation, type Standing, standingOf } from '@hansard/rooms'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import type { RoomHub } from '../rooms/room-hub.ts'

/**
 * What somebody's wish in a room is decided by: the room as of one version of its rights, and how they stand to it. The
 * room's lists may hold only what concerns them.
 */
export type MemberAccess = { readonly access: RoomAccess; readonly standing: Standing }

type AccessDecision =
  | { readonly allowed: true; readonly memberAccess: MemberAccess }
  | { readonly allowed: false; readonly decision: Extract<Decision, { allowed: false }> }

/**
 * Decides whether a session may do something in a room, joined or not. Whoever is in the room is decided by what its hub
 * knows; before they are refused, and with `fresh`, that is compared with the record.
 *
 * Of whoever is not in it, the hub may only let in: it costs less than the record, and a refusal that came from it would
 * tell by the time it took that somebody sits in a hidden room. They are refused by the record, after as much work as a
 * room takes that never was.
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

/** Undefined when the session turns out to be in the room no more. */
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
  // Taken before the standing is read: what changes in between is caught when the fact is recorded.
  const access = hub?.deleted ? undefined : hub?.access
  const who = session.principal!
  // Read also where there is no hub to decide by: whether there is one is not to be told.
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
  // Who is let in by what the hub has not heard yet is not to be put out again by it.
  await hub?.reach(access!.room.rights)
  return { allowed: true, memberAccess: { access: access!, standing } }
}
