import { yieldToEventLoop } from '@hansard/lifecycle'
import { addInOf, enabledOf, loadRoomAccess, type PolicyPlace, type RoomAccess, standingsIn } from '@hansard/pool-store'
import type { Standing } from '@hansard/rooms'
import type { Database } from '@hansard/sql'
import type { ServerMessageOf } from '@hansard/wire'
import { textFrame } from '../delivery/frames.ts'
import type { Session } from '../delivery/session.ts'
import type { RoomHub } from './room-hub.ts'

/** The reason for a removal, as sent to the client. */
type ClosedReason = 'removed' | 'disabled' | 'deleted'

/** Removes a member from a room at once, and records the departure. */
export type Evict = (session: Session, hub: RoomHub, reason: ClosedReason) => void

/**
 * Checks the access of every member of a room on this service against the room as it is now. Members that may no
 * longer be in the room are removed; the others are notified of changes. The hub takes the new rights version only
 * when all are checked.
 */
export async function judgeMembers(
  { db, place, evict }: { db: Database; place: PolicyPlace; evict: Evict },
  hub: RoomHub,
): Promise<void> {
  const access = await loadRoomAccess(db, { id: hub.id })
  if (!access) {
    hub.deleted = true
    for (const session of [...hub.members.keys()]) evict(session, hub, 'deleted')
    return
  }
  const addIn = await addInOf(db, access.room)
  const standings = new Map<Session, Standing | undefined>()
  for (;;) {
    // Sessions that joined during the queries are checked in the next round.
    const sessions = [...hub.members.keys()].filter((session) => !standings.has(session))
    if (sessions.length === 0) break
    for (let from = 0; from < sessions.length; from += BATCH) {
      const batch = sessions.slice(from, from + BATCH)
      const people = batch.map((session) => session.principal!)
      const found = await standingsIn(db, access, people)
      const enabled = await enabledOf(db, { ...place, principalIds: people.map(({ id }) => id) })
      for (const session of batch) {
        const { id } = session.principal!
        standings.set(session, enabled.has(id) ? found.get(id) : undefined)
      }
      // An embedded database answers without yielding.
      await yieldToEventLoop()
    }
  }
  take(hub, { access, addIn, standings, evict })
}

/**
 * Without yielding: nothing may be delivered while some members are checked under the new rights and some under the
 * old.
 */
function take(
  hub: RoomHub,
  news: {
    access: RoomAccess
    addIn: RoomHub['addIn']
    /** undefined: this account may not use the pool now */
    standings: ReadonlyMap<Session, Standing | undefined>
    evict: Evict
  },
): void {
  const before = hub.access.room
  const { room } = news.access
  // A slower reading must not overwrite the result of a newer one.
  if (room.rights < before.rights) return
  hub.access = news.access
  hub.addIn = news.addIn
  const described = room.name !== before.name || room.topic !== before.topic || room.type !== before.type
  const frames = new Map<boolean, Buffer>()
  const frameFor = (mayPost: boolean) => {
    let frame = frames.get(mayPost)
    if (!frame) {
      const { name, topic, type } = room
      const message: ServerMessageOf<'room-changed'> = { t: 'room-changed', room: hub.uri, name, topic, type, mayPost }
      frame = textFrame(JSON.stringify(message))
      frames.set(mayPost, frame)
    }
    return frame
  }
  for (const [session, member] of [...hub.members]) {
    const standing = news.standings.get(session)
    if (!standing || !hub.decide('join', standing).allowed) {
      news.evict(session, hub, room.disabled ? 'disabled' : 'removed')
      continue
    }
    member.standing = standing
    const mayPost = hub.decide('post', standing).allowed
    if (!described && mayPost === member.mayPost) continue
    member.mayPost = mayPost
    session.deliver(frameFor(mayPost))
  }
}

const BATCH = 400
