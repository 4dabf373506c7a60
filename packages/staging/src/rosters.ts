import type { EventPrincipal } from '@hansard/compliance-event'
import type { Interval, RosterEntry, Rosters, SliceRoom } from '@hansard/conversation'
import type { Database, Knex } from '@hansard/sql'
import { STILL_THERE } from './pair-stays.ts'

/**
 * The point of view of a query: the interval whose export is rendered. Events that were late for a later interval are
 * not visible.
 */
type AsOf = { readonly interval: Interval; readonly intervalNumber: number }

/**
 * The participants of a room at the start and at the end of an interval.
 *
 * A roster must be the same whenever it is rendered. A join or part that was in time is visible to every interval
 * that ends after its stamp; one that was late for interval n is visible only to exports of interval n and later. So
 * rendering an old export again ignores what arrived since.
 */
export async function rostersOf(db: Database, roomUri: string, asOf: AsOf): Promise<Rosters> {
  const rows = await stays(db.knex, asOf)
    .join('staged_room as r', 'r.id', 'p.room_id')
    .where('r.uri', roomUri)
    .select('p.session', 'p.principal', 'p.joined_room_seq', 'p.joined_at', 'p.parted_at', 'p.parted_late_in')
  const { startsAt, endsAt } = asOf.interval
  return { atStart: present(rows, startsAt, asOf), atEnd: present(rows, endsAt, asOf) }
}

/**
 * Rooms that had participants at the start or the end of the interval, sorted by URI (code points), with their names
 * at that time.
 */
export async function* roomsWithRoster(db: Database, asOf: AsOf): AsyncGenerator<SliceRoom> {
  const ids: { id: number; uri: string }[] = await db
    .knex('staged_room')
    .whereIn('id', stays(db.knex, asOf).distinct('p.room_id'))
    .select('id', 'uri')
  for (const { id, uri } of ids.sort((a, b) => (a.uri < b.uri ? -1 : 1))) {
    const rows = await stays(db.knex, asOf)
      .where('p.room_id', id)
      .select('p.session', 'p.room_name', 'p.joined_room_seq', 'p.joined_at', 'p.parted_at', 'p.parted_late_in')
    const { startsAt, endsAt } = asOf.interval
    const there = [...atMoment(rows, startsAt, asOf), ...atMoment(rows, endsAt, asOf)]
    const latest = there.sort((a, b) => b.joined_room_seq - a.joined_room_seq)[0]
    if (latest) yield { uri, name: JSON.parse(latest.room_name) as string }
  }
}

/**
 * Stays that overlap the interval, as visible to it: a stay that ended earlier is included only if that is not
 * visible yet.
 */
function stays(knex: Knex, { interval, intervalNumber }: AsOf) {
  return knex('participation as p')
    .where('p.joined_at', '<', interval.endsAt)
    .andWhere('p.joined_late_in', '<=', intervalNumber)
    .andWhere((ended) =>
      ended
        .where('p.parted_at', '>=', interval.startsAt)
        .orWhere((unknown) =>
          unknown.whereRaw('p.parted_late_in > 0').andWhere('p.parted_late_in', '>', intervalNumber),
        ),
    )
}

type StayRow = {
  session: string
  joined_room_seq: number
  joined_at: number
  parted_at: number
  parted_late_in: number
}

function atMoment<T extends StayRow>(rows: readonly T[], at: number, { intervalNumber }: AsOf): T[] {
  return rows.filter((row) => {
    const partedAt = row.parted_late_in > intervalNumber ? STILL_THERE : row.parted_at
    return row.joined_at < at && partedAt >= at
  })
}

function present(rows: readonly (StayRow & { principal: string })[], at: number, asOf: AsOf): RosterEntry[] {
  const there = new Map<string, StayRow & { principal: string }>()
  for (const row of atMoment(rows, at, asOf)) {
    const other = there.get(row.session)
    if (!other || other.joined_room_seq < row.joined_room_seq) there.set(row.session, row)
  }
  return [...there.values()]
    .sort((a, b) => a.joined_room_seq - b.joined_room_seq || (a.session < b.session ? -1 : 1))
    .map((row) => ({
      session: row.session,
      principal: JSON.parse(row.principal) as EventPrincipal,
      joinedAt: row.joined_at,
    }))
}
