import type { PartReason } from '@hansard/compliance-event'
import type { Fact } from '@hansard/pool-store'
import type { ClientMessageOf } from '@hansard/wire'
import type { Session } from '../delivery/session.ts'
import type { ChannelServiceDeps } from '../deps.ts'

export type PartFact = Extract<Fact, { kind: 'part' }>

/**
 * Records a departure for certain: while the database is away it is tried again and again. `settled` is called once: with
 * the version of the room's rights it was recorded under (undefined: the room is gone), or with `ended` when this service has
 * ended and a survivor will have to record it.
 */
export type RecordPart = (fact: PartFact, settled?: (how: { rights: number | undefined } | 'ended') => void) => void

/** Takes a session out of a room at its own wish. */
export function partRoom(
  { rooms, recordPart }: Pick<ChannelServiceDeps, 'rooms' | 'recordPart'>,
  session: Session,
  { id, room: uri }: ClientMessageOf<'part'>,
): void {
  if (!session.memberships.has(uri)) return session.refuse(id, 'not-joined', 'This session is not in that room.')
  leaveRoom({ rooms, recordPart }, session, uri, 'left', () => session.send({ t: 'parted', re: id, room: uri }))
}

/** Takes a session out of all its rooms, when its connection or the service ends. Resolves when that is on record. */
export function partAllRooms(
  { rooms, recordPart }: Pick<ChannelServiceDeps, 'rooms' | 'recordPart'>,
  session: Session,
  reason: PartReason,
): Promise<unknown> {
  const recorded: Promise<void>[] = []
  for (const uri of [...session.memberships.keys()])
    recorded.push(new Promise((resolve) => leaveRoom({ rooms, recordPart }, session, uri, reason, resolve)))
  for (const roomId of session.uncertain) {
    const fact: PartFact = { kind: 'part', roomId, principal: session.principal!, session: session.id, reason }
    recorded.push(new Promise((resolve) => recordPart(fact, () => resolve())))
  }
  session.uncertain.clear()
  return Promise.all(recorded)
}

/** Takes a session out of a room at once, and puts the departure on record. `recorded` is called when it is. */
export function leaveRoom(
  { rooms, recordPart }: Pick<ChannelServiceDeps, 'rooms' | 'recordPart'>,
  session: Session,
  uri: string,
  reason: PartReason,
  recorded?: () => void,
): void {
  const { hub } = session.memberships.get(uri)!
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
