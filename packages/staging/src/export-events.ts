import { type ComplianceEvent, decodeEvent } from '@hansard/compliance-event'
import { yieldToEventLoop } from '@hansard/lifecycle'
import type { Database } from '@hansard/sql'
import { byIdentity } from './source-identity.ts'

/** Rows per read: few enough not to delay staging or to matter for memory. */
const PAGE = 1_000

/**
 * The events an export was planned with, sorted by room URI and room sequence, read page by page: an interval may
 * have millions.
 *
 * URIs are sorted here, by code point, because databases sort by their own collation. Two events with the same room
 * sequence exist only after the pool database was restored. Their source and number then decide, so that the order
 * does not depend on which was staged first.
 */
export async function* exportEvents(db: Database, exportId: number): AsyncGenerator<ComplianceEvent> {
  for (const rooms of await roomBatches(db, exportId)) {
    await yieldToEventLoop()
    // A large room is read in pages; a batch of small ones is one page, sorted here.
    if (rooms.length === 1) yield* eventsOfRoom(db, exportId, rooms[0]!)
    else yield* eventsOfSmallRooms(db, exportId, rooms)
  }
}

type Room = { readonly id: number; readonly uri: string; readonly events: number }

async function roomBatches(db: Database, exportId: number): Promise<Room[][]> {
  const counted = db
    .knex('compliance_fanout')
    .where({ export_id: exportId })
    .groupBy('room_id')
    .select('room_id', db.knex.raw('count(*) as events'))
    .as('f')
  const rows: { id: number; uri: string; events: number | string }[] = await db
    .knex(counted)
    .join('staged_room as r', 'r.id', 'f.room_id')
    .select('r.id', 'r.uri', 'f.events')
  const rooms = rows.map(({ id, uri, events }) => ({ id, uri, events: Number(events) }))
  rooms.sort((a, b) => (a.uri < b.uri ? -1 : a.uri > b.uri ? 1 : 0))

  const batches: Room[][] = []
  let open: Room[] = []
  let size = 0
  for (const room of rooms) {
    if (open.length > 0 && (size + room.events > PAGE || open.length === ROOMS_MAX)) {
      batches.push(open)
      open = []
      size = 0
    }
    open.push(room)
    size += room.events
  }
  if (open.length > 0) batches.push(open)
  return batches
}

// Far below the limit of parameters per statement of either database.
const ROOMS_MAX = 500

type Row = {
  body: string
  room_id: number
  room_seq: number
  source_id: number
  seq: number
  name: string
  epoch: number
  incarnation: string
}

async function* eventsOfRoom(db: Database, exportId: number, room: Room): AsyncGenerator<ComplianceEvent> {
  let after = { room_seq: -1, source_id: 0, seq: 0 }
  let pending: Row[] = []
  for (;;) {
    const page: Row[] = await selectEvents(db, exportId)
      .where('f.room_id', room.id)
      .andWhereRaw('(f.room_seq, f.source_id, f.seq) > (?, ?, ?)', [after.room_seq, after.source_id, after.seq])
      .orderBy(['f.room_seq', 'f.source_id', 'f.seq'])
      .limit(PAGE)
    const last = page.at(-1)
    // The last room sequence of a page may continue on the next one.
    const settled = [...pending, ...page]
    pending = last && page.length === PAGE ? settled.filter((row) => row.room_seq === last.room_seq) : []
    yield* decoded(settled.slice(0, settled.length - pending.length).sort(inOrder))
    if (!last || page.length < PAGE) return
    after = last
    await yieldToEventLoop()
  }
}

async function* eventsOfSmallRooms(
  db: Database,
  exportId: number,
  rooms: readonly Room[],
): AsyncGenerator<ComplianceEvent> {
  const rows: Row[] = await selectEvents(db, exportId).whereIn(
    'f.room_id',
    rooms.map((room) => room.id),
  )
  const byRoom = Map.groupBy(rows, (row) => row.room_id)
  for (const room of rooms) yield* decoded((byRoom.get(room.id) ?? []).sort(inOrder))
}

function selectEvents(db: Database, exportId: number) {
  return db
    .knex('compliance_fanout as f')
    .join('staged_event as e', (on) => on.on('e.source_id', 'f.source_id').andOn('e.seq', 'f.seq'))
    .join('source as s', 's.id', 'f.source_id')
    .where('f.export_id', exportId)
    .select('e.body', 'f.room_id', 'f.room_seq', 'f.source_id', 'f.seq', 's.name', 's.epoch', 's.incarnation')
}

function* decoded(rows: readonly Row[]): Generator<ComplianceEvent> {
  for (const row of rows) yield decodeEvent(row.body)
}

function inOrder(a: Row, b: Row): number {
  if (a.room_seq !== b.room_seq) return a.room_seq - b.room_seq
  return byIdentity({ ...a, source: a.name }, { ...b, source: b.name }) || a.seq - b.seq
}
