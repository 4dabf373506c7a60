import type { PoolClient } from 'pg'
import { type Departure, type PairedStay, pairStays, presenceOf } from './pair-stays.ts'
import type { StagedRow } from './walk.ts'

/** Applies a batch's joins and parts to `participation`. */
export async function writePresence(
  client: PoolClient,
  staged: readonly StagedRow[],
  roomIds: ReadonlyMap<string, number>,
) {
  const presences = presenceOf(staged, roomIds)
  if (presences.length === 0) return
  const keys = [presences.map((p) => p.roomId), presences.map((p) => p.session)]
  // Two workers may stage a join and the survivor's part that ends it concurrently: without the locks neither would
  // see the other, and the stay would never end. Locked in the order of their numbers, to avoid deadlock.
  await client.query({
    name: 'lock-rooms',
    text: 'select 1 from staged_room where id = any($1::int[]) order by id for update',
    values: [[...new Set(presences.map((p) => p.roomId))]],
  })
  const stays = await client.query<PairedStay>({
    name: 'stays',
    text: `select p.room_id as "roomId", p.session, joined_room_seq as "joinedRoomSeq", joined_at as "joinedAt",
             joined_late_in as "joinedLateIn", principal, room_name as "roomName",
             parted_room_seq as "partedRoomSeq", parted_at as "partedAt", parted_late_in as "partedLateIn"
           from participation p
           join unnest($1::int[], $2::text[], $3::int8[]) as k(room_id, session, since)
             on p.room_id = k.room_id and p.session = k.session and p.parted_room_seq > k.since`,
    values: [...keys, presences.map((p) => p.sinceRoomSeq)],
  })
  const early = await client.query<Departure>({
    name: 'early',
    text: `select e.room_id as "roomId", e.session, room_seq as "roomSeq", at, late_in as "lateIn" from early_part e
           join unnest($1::int[], $2::text[]) as k(room_id, session) on e.room_id = k.room_id and e.session = k.session`,
    values: keys,
  })
  const { added, changed, earlyAdded, earlyDropped } = pairStays(presences, stays.rows, early.rows)
  if (added.length > 0) await addStays(client, added)
  if (changed.length > 0) {
    await client.query({
      name: 'end-stays',
      text: `update participation p set parted_room_seq = n.seq, parted_at = n.at, parted_late_in = n.late
             from unnest($1::int[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::int8[])
               as n(room_id, session, joined, seq, at, late)
             where p.room_id = n.room_id and p.session = n.session and p.joined_room_seq = n.joined`,
      values: [
        changed.map((s) => s.roomId),
        changed.map((s) => s.session),
        changed.map((s) => s.joinedRoomSeq),
        changed.map((s) => s.partedRoomSeq),
        changed.map((s) => s.partedAt),
        changed.map((s) => s.partedLateIn),
      ],
    })
  }
  for (const d of earlyDropped) {
    await client.query('delete from early_part where room_id = $1 and session = $2 and room_seq = $3', [
      d.roomId,
      d.session,
      d.roomSeq,
    ])
  }
  for (const d of earlyAdded) {
    await client.query(
      'insert into early_part (room_id, session, room_seq, at, late_in) values ($1, $2, $3, $4, $5) on conflict do nothing',
      [d.roomId, d.session, d.roomSeq, d.at, d.lateIn],
    )
  }
}

async function addStays(client: PoolClient, stays: readonly PairedStay[]) {
  await client.query({
    name: 'add-stays',
    text: `insert into participation (room_id, session, joined_room_seq, joined_at, joined_late_in, principal,
             room_name, parted_room_seq, parted_at, parted_late_in)
           select * from unnest($1::int[], $2::text[], $3::int8[], $4::int8[], $5::int8[], $6::text[], $7::text[],
             $8::int8[], $9::int8[], $10::int8[]) on conflict do nothing`,
    values: [
      stays.map((s) => s.roomId),
      stays.map((s) => s.session),
      stays.map((s) => s.joinedRoomSeq),
      stays.map((s) => s.joinedAt),
      stays.map((s) => s.joinedLateIn),
      stays.map((s) => s.principal),
      stays.map((s) => s.roomName),
      stays.map((s) => s.partedRoomSeq),
      stays.map((s) => s.partedAt),
      stays.map((s) => s.partedLateIn),
    ],
  })
}
