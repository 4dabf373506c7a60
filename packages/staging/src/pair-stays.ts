import type { StagedRow } from './walk.ts'

/** the values of a current stay */
export const STILL_THERE = Number.MAX_SAFE_INTEGER

/** A session's stay in a room, from a join to the next part. */
export type PairedStay = StayKey & {
  readonly joinedRoomSeq: number
  readonly joinedAt: number
  readonly joinedLateIn: number
  readonly principal: string
  readonly roomName: string
  readonly partedRoomSeq: number
  readonly partedAt: number
  readonly partedLateIn: number
}
type StayKey = { readonly roomId: number; readonly session: string }
export type Departure = StayKey & { readonly roomSeq: number; readonly at: number; readonly lateIn: number }

/**
 * A batch's joins and parts of one session in one room, and the lowest room sequence among them: stays that ended
 * before it are not affected.
 */
type Presence = StayKey & { readonly sinceRoomSeq: number; readonly joins: PairedStay[]; readonly parts: Departure[] }

type PairedStays = {
  readonly added: readonly PairedStay[]
  readonly changed: readonly PairedStay[]
  readonly earlyAdded: readonly Departure[]
  readonly earlyDropped: readonly Departure[]
}

/** Groups a batch's joins and parts by room and session. */
export function presenceOf(staged: readonly StagedRow[], roomIds: ReadonlyMap<string, number>): Presence[] {
  const presences = new Map<string, Presence & { sinceRoomSeq: number }>()
  for (const { event, lateIn } of staged) {
    if (event.kind !== 'join' && event.kind !== 'part') continue
    const roomId = roomIds.get(event.room.uri)!
    const { session } = event
    const key = keyOf({ roomId, session })
    let presence = presences.get(key)
    if (!presence) {
      presence = { roomId, session, sinceRoomSeq: event.room.seq, joins: [], parts: [] }
      presences.set(key, presence)
    }
    presence.sinceRoomSeq = Math.min(presence.sinceRoomSeq, event.room.seq)
    if (event.kind === 'part') presence.parts.push({ roomId, session, roomSeq: event.room.seq, at: event.at, lateIn })
    else {
      presence.joins.push({
        roomId,
        session,
        joinedRoomSeq: event.room.seq,
        joinedAt: event.at,
        joinedLateIn: lateIn,
        principal: JSON.stringify(event.principal),
        roomName: JSON.stringify(event.room.name),
        ...STAYING,
      })
    }
  }
  return [...presences.values()]
}

/**
 * Pairs joins with parts, in whatever order they were staged.
 *
 * A session is in a room at most once. In the order of room sequences, a part therefore ends the stay that began last
 * before it. The part may be staged first (a survivor's record of an orphaned departure overtakes the dead service's
 * join); it is kept as early until its join arrives.
 *
 * `stays`: the known ones that had not ended by `sinceRoomSeq`. `early`: the parts without a join.
 */
export function pairStays(
  presences: readonly Presence[],
  stays: readonly PairedStay[],
  early: readonly Departure[],
): PairedStays {
  const added: PairedStay[] = []
  const changed: PairedStay[] = []
  const earlyAdded: Departure[] = []
  const earlyDropped: Departure[] = []
  const staysByKey = Map.groupBy(stays, keyOf)
  const earlyByKey = Map.groupBy(early, keyOf)

  for (const presence of presences) {
    const key = keyOf(presence)
    const known = staysByKey.get(key) ?? []
    const waiting = earlyByKey.get(key) ?? []
    const isNew = new Set(presence.joins)
    const before = new Map(known.map((stay) => [stay.joinedRoomSeq, stay]))
    const joins = [...known, ...presence.joins]
    const parts = [...known.flatMap(departureOf), ...waiting, ...presence.parts]
    const wasWaiting = new Set(waiting)

    const { paired, unpaired } = pair(joins, parts)
    for (const stay of paired) {
      if (isNew.has(stay.join)) added.push(stay.result)
      else if (before.get(stay.join.joinedRoomSeq)!.partedRoomSeq !== stay.result.partedRoomSeq)
        changed.push(stay.result)
    }
    const stillWaiting = new Set(unpaired)
    earlyDropped.push(...waiting.filter((part) => !stillWaiting.has(part)))
    earlyAdded.push(...unpaired.filter((part) => !wasWaiting.has(part)))
  }
  return { added, changed, earlyAdded, earlyDropped }
}

function pair(joins: readonly PairedStay[], parts: readonly Departure[]) {
  const steps = [
    ...joins.map((join) => ({ roomSeq: join.joinedRoomSeq, join, part: undefined })),
    ...parts.map((part) => ({ roomSeq: part.roomSeq, join: undefined, part })),
  ].sort((a, b) => a.roomSeq - b.roomSeq)
  const paired: { join: PairedStay; result: PairedStay }[] = []
  const unpaired: Departure[] = []
  let open: { join: PairedStay; result: PairedStay } | undefined
  for (const { join, part } of steps) {
    if (join) {
      open = { join, result: { ...join, ...STAYING } }
      paired.push(open)
    } else if (open) {
      open.result = { ...open.result, partedRoomSeq: part.roomSeq, partedAt: part.at, partedLateIn: part.lateIn }
      open = undefined
    } else unpaired.push(part)
  }
  return { paired, unpaired }
}

const STAYING = { partedRoomSeq: STILL_THERE, partedAt: STILL_THERE, partedLateIn: 0 } as const

function departureOf(stay: PairedStay): Departure[] {
  if (stay.partedRoomSeq === STILL_THERE) return []
  const { roomId, session, partedRoomSeq, partedAt, partedLateIn } = stay
  return [{ roomId, session, roomSeq: partedRoomSeq, at: partedAt, lateIn: partedLateIn }]
}

const keyOf = ({ roomId, session }: StayKey) => `${roomId} ${session}`
