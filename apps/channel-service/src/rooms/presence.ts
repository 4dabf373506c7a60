import type { Bus } from '@hansard/bus'
import { systemClock, type Timer } from '@hansard/clock'
import type { Principal } from '@hansard/pool-store'
import type { ServerMessageOf } from '@hansard/wire'
import type { RoomHub } from './room-hub.ts'

/** A join or a part, as of a rights version of the room. */
export type Presence = {
  readonly joined: boolean
  readonly who: Pick<Principal, 'uri' | 'name'>
  readonly rights: number
}

/** Notifies the members on this service of joins and parts, or only that there are too many participants for that. */
type PresenceNotices = {
  tell(hub: RoomHub, presence: Presence): void
  /** Sets the number of participants, as counted under a rights version of the room. */
  count(hub: RoomHub, participants: number, rights: number): void
}

export function createPresenceNotices(participantUpdateLimit: () => number): PresenceNotices {
  const count = (hub: RoomHub, participants: number, rights: number) => {
    hub.participants = participants
    const limit = participantUpdateLimit()
    const quiet = participants > limit || (hub.quiet && participants >= 0.8 * limit)
    if (quiet === hub.quiet) return
    hub.quiet = quiet
    const notice: ServerMessageOf<'participants-hidden' | 'participants-shown'> = {
      t: quiet ? 'participants-hidden' : 'participants-shown',
      room: hub.uri,
      participants,
    }
    hub.notify(JSON.stringify(notice), rights)
  }
  return {
    count,
    tell(hub, { joined, who, rights }) {
      const wasQuiet = hub.quiet
      count(hub, Math.max(0, hub.participants + (joined ? 1 : -1)), rights)
      // The count in `participants-shown` includes this participant already.
      if (wasQuiet || hub.quiet) return
      const notice: ServerMessageOf<'participant-joined' | 'participant-parted'> = {
        t: joined ? 'participant-joined' : 'participant-parted',
        room: hub.uri,
        who: { uri: who.uri, name: who.name },
      }
      hub.notify(JSON.stringify(notice), rights)
    },
  }
}

/** Tells the other services of joins and parts here. Those of one room that follow each other share a message. */
type PresenceReports = {
  report(roomId: number, presence: Presence): void
  /** Sends what waits. */
  stop(): void
}

/** Nobody waits for these notices. When a crowd comes in, a message for each would be a large part of what it costs. */
const REPORT_MS = 100

export function createPresenceReports({ bus, from }: { bus: Pick<Bus, 'publish'>; from: string }): PresenceReports {
  let waiting = new Map<number, { rights: number; people: { joined: boolean; uri: string; name: string }[] }>()
  let timer: Timer | undefined

  const send = () => {
    timer?.cancel()
    timer = undefined
    const sending = waiting
    waiting = new Map()
    for (const [room, { rights, people }] of sending) bus.publish({ t: 'presences', room, from, rights, people })
  }

  return {
    report(roomId, { joined, who: { uri, name }, rights }) {
      const known = waiting.get(roomId)
      if (!known) waiting.set(roomId, { rights, people: [{ joined, uri, name }] })
      else {
        known.rights = Math.max(known.rights, rights)
        known.people.push({ joined, uri, name })
      }
      // Real time, whatever clock the service keeps: this is about the bus.
      timer ??= systemClock.after(REPORT_MS, send)
    },
    stop: send,
  }
}
