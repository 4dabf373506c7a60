import type { PartReason } from '@hansard/compliance-event'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'
import type { PartFact } from './record-departures.ts'

type Deps = Pick<ChannelServiceDeps, 'rooms' | 'recordPart'>

/** Removes a session from a room at its own request. */
export function partRoom(deps: Deps, session: Session, { id, room: uri }: ClientMessageOf<'part'>): void {
  if (!session.memberships.has(uri)) return session.refuse(id, 'not-joined', 'This session is not in that room.')
  leaveRoom(deps, session, uri, 'left', () => session.send({ t: 'parted', re: id, room: uri }))
}

/** Removes a session from all its rooms, when its connection or the service ends. Resolves when that is on record. */
export function partAllRooms(deps: Deps, session: Session, reason: PartReason): Promise<unknown> {
  const recorded: Promise<void>[] = []
  for (const uri of [...session.memberships.keys()])
    recorded.push(new Promise((resolve) => leaveRoom(deps, session, uri, reason, resolve)))
  for (const roomId of session.uncertain) {
    const fact: PartFact = { kind: 'part', roomId, principal: session.principal!, session: session.id, reason }
    recorded.push(new Promise((resolve) => deps.recordPart(fact, () => resolve())))
  }
  session.uncertain.clear()
  return Promise.all(recorded)
}

/** Removes a session from a room at once, and records the departure. Calls `recorded` when it is on record. */
export function leaveRoom(
  { rooms, recordPart }: Deps,
  session: Session,
  uri: string,
  reason: PartReason,
  recorded?: () => void,
): void {
  // The hub stays in service as long as it has members.
  const hub = rooms.find({ uri })!
  const principal = session.principal!
  session.memberships.delete(uri)
  session.parting.add(hub.id)
  hub.members.delete(session)
  rooms.leave(hub)
  recordPart({ kind: 'part', roomId: hub.id, principal, session: session.id, reason }, (how) => {
    session.parting.delete(hub.id)
    if (how === 'ended') return
    if (how.rights !== undefined) rooms.presence(hub, { joined: false, who: principal, rights: how.rights })
    recorded?.()
  })
}
