import { identitiesOf, loadRoomAccess, type RoomAccess, standingIn } from '@hansard/pool-store'
import { type Decision, decide, type RoomOperation, refuse, type Standing } from '@hansard/rooms'
import type { Session } from './session.ts'
import type { ChannelServiceParts } from './use-case.ts'

/** What somebody's wish in a room is decided by: the room as of one version of its rights, and how they stand to it. */
export type Footing = { readonly access: RoomAccess; readonly standing: Standing }

export type Footed =
  | { readonly allowed: true; readonly footing: Footing }
  | { readonly allowed: false; readonly decision: Extract<Decision, { allowed: false }>; readonly room?: string }

/**
 * Decides whether a session may do something in a room, joined or not. A room that this service has open is decided by
 * what its hub knows; before somebody is refused, and with `fresh`, that is compared with the record.
 */
export async function decideInRoom(
  parts: Pick<ChannelServiceParts, 'db' | 'rooms'>,
  session: Session,
  { uri, operation, fresh = false }: { uri: string; operation: RoomOperation; fresh?: boolean },
): Promise<Footed> {
  const { db, rooms } = parts
  const hub = rooms.find({ uri })
  if (fresh && hub) await hub.confirmRights()
  if (hub?.deleted) return missing(parts, session)
  // Asked for before the standing: what changes in between is caught when the fact is recorded.
  const access = hub?.access ?? (await loadRoomAccess(db, { uri }))
  if (!access) return missing(parts, session)
  const standing = hub?.members.get(session)?.standing ?? (await standingIn(db, access, session.principal!))
  const decision = decide(operation, access.rules, standing, access.settings)
  if (decision.allowed) return { allowed: true, footing: { access, standing } }
  if (hub && !fresh) return decideInRoom(parts, session, { uri, operation, fresh: true })
  return { allowed: false, decision, room: access.room.name }
}

/** Takes about as long as a room does that is there and hidden. */
async function missing({ db }: Pick<ChannelServiceParts, 'db'>, session: Session): Promise<Footed> {
  await identitiesOf(db, session.principal!.id)
  return { allowed: false, decision: refuse('no-such-room') as Extract<Decision, { allowed: false }> }
}
