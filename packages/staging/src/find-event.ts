import { leafOf } from '@hansard/compliance-event'
import type { Database } from '@hansard/sql'
import { gapsOfSource } from './accepted-gaps.ts'
import { chainOfAddendum, sourcesOfAddendum, sourcesOfInterval } from './export-chain.ts'
import { exportsOfEvent, filesOf } from './exports.ts'
import type { ClosedInterval } from './pool-manifests.ts'
import type { SourceIdentity } from './source-identity.ts'

/** A staged event and where it went. */
export type FoundEvent = {
  readonly source: string
  readonly epoch: number
  readonly incarnation: string
  readonly seq: number
  readonly kind: string
  readonly at: number
  readonly room: string
  /** as it was accepted */
  readonly text: string
  readonly leaf: string
  readonly head: string
  readonly stagedAt: number
  /** undefined: it belongs to the open interval */
  readonly interval: ClosedInterval | undefined
  /** it arrived after the interval that its time belongs to was closed */
  readonly late: boolean
}

/** Where an event is in one series. */
type EventInExport = {
  readonly adapter: string
  readonly number: number
  readonly sealed: boolean
  readonly directory: string
  readonly manifest: string | null
  readonly manifestSha256: string | null
  /** the chain file, and the number of its line, from 1 */
  readonly chain: { readonly name: string; readonly line: number } | null
}

/** The event with this number; without an incarnation that of every source with this name and epoch. */
export async function findEvents(
  db: Database,
  { source, epoch, incarnation, seq }: SourceIdentity & { seq: number },
): Promise<FoundEvent[]> {
  const rows = await eventRows(db)
    .where({ 's.name': source, 's.epoch': epoch, 'e.seq': seq })
    .modify((query) => {
      if (incarnation !== undefined) void query.andWhere('s.incarnation', incarnation)
    })
  return Promise.all(rows.map((row: EventRow) => withInterval(db, row)))
}

/**
 * The chat with this id that was posted in a room at a time. Reads the events of one interval at most, and those that
 * came late.
 */
export async function findChat(
  db: Database,
  { room, chatId, at }: { room: string; chatId: number; at: number },
): Promise<FoundEvent[]> {
  const here = () => eventRows(db).where({ 'r.uri': room, 'e.kind': 'chat', 'e.at': at })
  const isIt = ({ body }: EventRow) => JSON.parse(body).chatId === chatId
  const found: EventRow[] = (await here().whereRaw('e.late_in > 0')).filter(isIt)
  const closed: { number: number } | undefined = await db
    .knex('closed_interval')
    .where('starts_at', '<=', at)
    .andWhere('ends_at', '>', at)
    .first('number')
  const parts: { id: number; after: number; through: number }[] = closed
    ? await db
        .knex('closed_interval_source')
        .where('interval_number', closed.number)
        .select('source_id as id', 'after_seq as after', 'through_seq as through')
    : await db.knex('source').where('finished', 0).select('id', 'cut_seq as after', 'staged_through as through')
  for (const { id, after, through } of parts) {
    if (found.length > 0) break
    const rows: EventRow[] = await here()
      .andWhere('e.source_id', id)
      .whereBetween('e.seq', [after + 1, through])
    found.push(...rows.filter(isIt))
  }
  return Promise.all(found.map((row) => withInterval(db, row)))
}

/** Every series that has the event, by name. */
export async function placesOfEvent(
  db: Database,
  event: Pick<FoundEvent, 'source' | 'epoch' | 'incarnation' | 'seq'>,
): Promise<EventInExport[]> {
  const { source, epoch, incarnation, seq } = event
  const row = await db.knex('source').where({ name: source, epoch, incarnation }).first('id')
  const places: EventInExport[] = []
  for (const one of await exportsOfEvent(db, { sourceId: row.id, seq })) {
    const chain = (await filesOf(db, one.id)).find((file) => file.role === 'chain')
    const line = await (one.kind === 'interval'
      ? lineInInterval(db, one.intervalNumber, row.id, seq)
      : lineInAddendum(db, one, row.id, seq))
    places.push({
      adapter: one.adapter,
      number: one.number,
      sealed: one.state === 'sealed',
      directory: one.settings?.directory ?? '',
      manifest: one.manifestName,
      manifestSha256: one.manifestSha256,
      chain: chain ? { name: chain.name, line } : null,
    })
  }
  return places
}

/** Every number of an interval has a line, except those of accepted gaps: only where its sources stood is read. */
async function lineInInterval(db: Database, interval: number, sourceId: number, seq: number): Promise<number> {
  let line = 0
  for (const { id, afterSeq, throughSeq } of await sourcesOfInterval(db, interval)) {
    const last = id === sourceId ? seq : throughSeq
    const gaps = (await gapsOfSource(db.knex, id)).filter(({ from, to }) => from > afterSeq && to <= last)
    line += last - afterSeq - gaps.reduce((sum, { from, to }) => sum + to - from + 1, 0)
    if (id === sourceId) return line
  }
  throw new Error(`Interval ${interval} does not have the source of an event of its export.`)
}

async function lineInAddendum(
  db: Database,
  addendum: Parameters<typeof chainOfAddendum>[1],
  sourceId: number,
  seq: number,
): Promise<number> {
  let line = 0
  for (const { id } of await sourcesOfAddendum(db, addendum))
    for await (const link of chainOfAddendum(db, addendum, id)) {
      line += 1
      if (id === sourceId && link.seq === seq) return line
    }
  throw new Error(`The addendum ${addendum.adapter}/${addendum.number} does not have an event that is bound to it.`)
}

type EventRow = {
  sourceId: number
  source: string
  epoch: number
  incarnation: string
  seq: number
  kind: string
  at: number
  room: string
  body: string
  head: string
  stagedAt: number
  lateIn: number
}

function eventRows(db: Database) {
  return db
    .knex('staged_event as e')
    .join('source as s', 's.id', 'e.source_id')
    .join('staged_room as r', 'r.id', 'e.room_id')
    .select(
      'e.source_id as sourceId',
      's.name as source',
      's.epoch',
      's.incarnation',
      'e.seq',
      'e.kind',
      'e.at',
      'r.uri as room',
      'e.body',
      'e.head',
      'e.staged_at as stagedAt',
      'e.late_in as lateIn',
    )
}

async function withInterval(db: Database, { sourceId, body, lateIn, ...event }: EventRow): Promise<FoundEvent> {
  const number =
    lateIn > 0
      ? lateIn
      : (
          await db
            .knex('closed_interval_source')
            .where('source_id', sourceId)
            .andWhere('after_seq', '<', event.seq)
            .andWhere('through_seq', '>=', event.seq)
            .first('interval_number as number')
        )?.number
  const interval: ClosedInterval | undefined =
    number === undefined
      ? undefined
      : await db
          .knex('closed_interval')
          .where({ number })
          .first('number', 'starts_at as startsAt', 'ends_at as endsAt', 'closed_at as closedAt')
  return { ...event, text: body, leaf: leafOf(body), interval, late: lateIn > 0 }
}
