import { genesisHead, leafOf, nextHead, type SourceState } from '@hansard/compliance-event'
import { type Database, type Knex, type Lease, underLease } from '@hansard/sql'
import type { StagedGap } from './accepted-gaps.ts'
import { notRunningColumn, type TimeNotRunning } from './not-running.ts'
import { keyOfSource, type SourceIdentity } from './source-identity.ts'
import { stageEvents } from './stage-events.ts'
import { CLOSING_LOCK } from './stage-rules.ts'

/** A source's part of a sealed interval, as its manifest lists it. */
type SealedSource = SourceIdentity & {
  readonly state: SourceState
  readonly first: number
  readonly last: number
  readonly headBefore: string
  readonly head: string
}

/** Numbers that were accepted as missing, as a manifest lists them. */
export type SealedGap = SourceIdentity &
  Pick<StagedGap, 'from' | 'to' | 'head' | 'headAfter' | 'at' | 'reason'> & {
    readonly acceptedBy: readonly [string, string]
  }

/** Lines of one chain file, all of one source, in the file's order. */
export type SealedLines = SourceIdentity & {
  readonly file: string
  readonly kind: 'interval' | 'addendum'
  readonly lines: readonly {
    readonly seq: number
    readonly leaf: string
    readonly quarantinedHead?: string | undefined
  }[]
}

/** Needs a person: what is sealed on disk contradicts the compliance database. */
export class AdoptionRefused extends Error {
  override name = 'AdoptionRefused'
}

/**
 * Closes an interval as exports on disk say that it was closed before the compliance database was set back.
 *
 * The danger is to decide a second time: the interval would get other bounds or other events, under the names of
 * files that somebody has already archived. So the manifest's bounds and numbers are taken over as they are. Each
 * text that the database has is compared with the sealed hash. A number that it does not have is recorded by its
 * hash, without a text, in `quarantined_event` with the state `adopted`: the chain continues over it, the same text
 * is recognised when it arrives again, and another text under that number goes to quarantine.
 *
 * Staged events of the interval that no sealed file has become late: they go into an addendum.
 */
export async function adoptInterval(
  db: Database,
  lease: Lease,
  {
    interval,
    sources,
    notRunning,
    gaps,
    lines,
    now,
  }: {
    interval: { readonly number: number; readonly startsAt: number; readonly endsAt: number }
    sources: readonly SealedSource[]
    /** as the manifest has it */
    notRunning: readonly TimeNotRunning[]
    gaps: readonly SealedGap[]
    lines: AsyncIterable<SealedLines>
    now: number
  },
): Promise<void> {
  const { number, startsAt, endsAt } = interval
  await underLease(db, lease, async (tx) => {
    if (db.dialect === 'postgres') await tx.raw(`select pg_advisory_xact_lock(${CLOSING_LOCK})`)
    await tx('closed_interval').insert({
      number,
      starts_at: startsAt,
      ends_at: endsAt,
      closed_at: now,
      ...notRunningColumn(notRunning),
    })
    // Late events that no sealed addendum has wait for the next one.
    await tx('staged_event')
      .whereRaw('late_in > 0')
      .andWhere('late_in', number)
      .update({ late_in: number + 1 })
    const walks = new Map<string, Walk>()
    const parts = new Map(sources.map((part) => [keyOfSource(part), part]))
    const walkOf = async (part: SourceIdentity & { state?: SourceState }) => {
      const walk = walks.get(keyOfSource(part)) ?? (await openWalk(tx, part, gaps, startsAt))
      walks.set(keyOfSource(part), walk)
      return walk
    }
    for await (const batch of lines) {
      const walk = await walkOf({ ...batch, state: parts.get(keyOfSource(batch))?.state ?? 'dead' })
      await takeLines(tx, walk, batch, { number, startsAt, now })
    }
    for (const part of sources) await endWalk(tx, await walkOf(part), part, { number, now })
    for (const walk of walks.values()) if (!parts.has(walk.name)) await saveWalk(tx, walk, {}, now)
    await makeLate(tx, interval)
  })
  await stageParked(db, now)
}

/** Events that waited for numbers which are sealed wait no longer. */
async function stageParked(db: Database, now: number): Promise<void> {
  const sources: Required<SourceIdentity>[] = await db
    .knex('parked_event as p')
    .join('source as s', 's.id', 'p.source_id')
    .whereRaw('p.seq = s.staged_through + 1')
    .select('s.name as source', 's.epoch', 's.incarnation')
  for (const source of sources) await stageEvents(db, { ...source, events: [] }, now)
}

type Walk = {
  readonly id: number
  readonly name: string
  readonly state: SourceState
  readonly lastSeq: number
  readonly gaps: readonly SealedGap[]
  /** how many of the gaps were passed */
  passed: number
  /** The pool reported `lastSeq` as the last number that this source ever gave out. */
  readonly isFinal: boolean
  through: number
  head: string
}

/**
 * The pool has reported all sources that live in it before anything is adopted. One that is unknown until now was in
 * the pool's former life only: it has ended.
 */
async function openWalk(
  tx: Knex.Transaction,
  { source, epoch, incarnation = '', state = 'dead' }: SourceIdentity & { state?: SourceState },
  gaps: readonly SealedGap[],
  startsAt: number,
): Promise<Walk> {
  const read = () => tx('source').where({ name: source, epoch, incarnation }).first()
  let row = await read()
  if (!row) {
    const ended = state === 'alive' ? 'dead' : state
    const genesis = genesisHead(source, epoch, incarnation)
    await tx('source').insert({
      name: source,
      epoch,
      incarnation,
      state: ended,
      started_at: startsAt,
      last_seq: 0,
      head: genesis,
      reported_at: 0,
      staged_through: 0,
      staged_head: genesis,
      last_stamp: 0,
      cut_seq: 0,
      cut_head: genesis,
      finished: 0,
    })
    row = await read()
  }
  const name = keyOfSource({ source, epoch, incarnation })
  return {
    id: row.id,
    name,
    state: row.state,
    lastSeq: row.last_seq,
    gaps: gaps.filter((gap) => keyOfSource(gap) === name),
    passed: 0,
    isFinal: row.reported_at > 0 && row.state !== 'alive' && row.went_back_at === 0,
    through: row.staged_through,
    head: row.staged_head,
  }
}

async function takeLines(
  tx: Knex.Transaction,
  walk: Walk,
  { file, kind, lines }: SealedLines,
  { number, startsAt, now }: { number: number; startsAt: number; now: number },
): Promise<void> {
  const seqs = lines.map(({ seq }) => seq)
  const staged: { seq: number; body: string }[] = await tx('staged_event')
    .where({ source_id: walk.id })
    .whereIn('seq', seqs)
    .select('seq', 'body')
  const kept: { seq: number; leaf: string }[] = await tx('quarantined_event')
    .where({ source_id: walk.id, counted: 1 })
    .whereIn('seq', seqs)
    .select('seq', 'leaf')
  const leaves = new Map(
    [...kept, ...staged.map(({ seq, body }) => ({ seq, leaf: leafOf(body) }))].map((r) => [r.seq, r.leaf]),
  )
  const missing: object[] = []
  for (const { seq, leaf, quarantinedHead } of lines) {
    const known = leaves.get(seq)
    if (known !== undefined && known !== leaf)
      throw new AdoptionRefused(`${file} has another text under ${walk.name}/${seq} than the compliance database.`)
    await passGaps(tx, walk, { before: seq, number })
    if (seq > walk.through + 1) {
      const numbers = `${walk.through + 1} to ${seq - 1}`
      throw new AdoptionRefused(`${file} continues ${walk.name} at ${seq}; nothing has its numbers ${numbers}.`)
    }
    if (seq === walk.through + 1) {
      const gap = walk.gaps.find(({ to }) => to === seq - 1)
      walk.head = quarantinedHead ?? gap?.headAfter ?? nextHead(walk.head, leaf)
      walk.through = seq
    }
    if (known !== undefined) continue
    const reason = `Its text is not in this database; it was sealed in the export of ${file}.`
    missing.push({
      source_id: walk.id,
      seq,
      leaf,
      at: startsAt,
      head: walk.head,
      body: JSON.stringify(''),
      reason,
      state: 'adopted',
      counted: 1,
      quarantined_at: now,
      resolved_at: now,
    })
  }
  // SQLite limits the number of parameters per statement.
  for (let from = 0; from < missing.length; from += 50)
    await tx('quarantined_event')
      .insert(missing.slice(from, from + 50))
      .onConflict(['source_id', 'seq', 'leaf'])
      .merge({ state: 'adopted', counted: 1 })
  const lateIn = kind === 'interval' ? 0 : number
  await tx('staged_event')
    .where({ source_id: walk.id })
    .whereIn('seq', seqs)
    .whereNot('late_in', lateIn)
    .update({ late_in: lateIn })
  if (kind === 'interval') return
  await tx('quarantined_event')
    .where({ source_id: walk.id, counted: 1, state: 'waiting' })
    .whereIn('seq', seqs)
    .update({ state: 'adopted', resolved_at: now })
}

/** Numbers before this one that were accepted as a gap, whether the database knew it or not. */
async function passGaps(
  tx: Knex.Transaction,
  walk: Walk,
  { before, number }: { before: number; number: number },
): Promise<void> {
  for (; walk.passed < walk.gaps.length; walk.passed++) {
    const { from, to, head, acceptedBy, at, reason } = walk.gaps[walk.passed]!
    if (from >= before) return
    const [proposed_by, accepted_by] = acceptedBy
    const when = { proposed_at: at, accepted_at: at }
    await tx('accepted_gap')
      .insert({
        ...{ source_id: walk.id, from_seq: from, to_seq: to, state: 'accepted', reason, proposed_by, accepted_by },
        ...{ ...when, proposed_by_officer: 0, head_before: '', head: head ?? '' },
      })
      .onConflict(['source_id', 'from_seq'])
      .merge()
    // An older database may still have these texts. The interval was sealed without them: they are late.
    await tx('staged_event')
      .where({ source_id: walk.id, late_in: 0 })
      .whereBetween('seq', [from, to])
      .update({ late_in: number + 1 })
    if (from !== walk.through + 1) continue
    walk.through = to
    walk.head = head ?? ''
  }
}

async function endWalk(
  tx: Knex.Transaction,
  walk: Walk,
  part: SealedSource,
  { number, now }: { number: number; now: number },
): Promise<void> {
  await passGaps(tx, walk, { before: part.last + 1, number })
  if (part.last > walk.through)
    throw new AdoptionRefused(`Nothing has the numbers ${walk.through + 1} to ${part.last} of ${walk.name}.`)
  if (part.last === walk.through && part.head !== walk.head)
    throw new AdoptionRefused(`${walk.name} was sealed up to ${part.last} with other texts than the database has.`)
  await tx('closed_interval_source').insert({
    interval_number: number,
    source_id: walk.id,
    state: part.state,
    after_seq: part.first === 0 ? part.last : part.first - 1,
    head_after: part.headBefore,
    through_seq: part.last,
    head_through: part.head,
  })
  const lastSeq = Math.max(walk.lastSeq, walk.through)
  // A source that was alive in this interval has to be listed in the next one, be it as ended.
  const finished = part.state !== 'alive' && walk.state !== 'alive' && lastSeq === part.last ? 1 : 0
  await saveWalk(tx, walk, { cut_seq: part.last, cut_head: part.head, finished }, now)
}

/** A source that had more numbers in its sealed life than the pool says it ever had: the pool was set back too. */
async function saveWalk(tx: Knex.Transaction, walk: Walk, more: object, now: number): Promise<void> {
  const { id, through, head, lastSeq, isFinal } = walk
  await tx('source')
    .where({ id })
    .update({
      staged_through: through,
      staged_head: head,
      ...(through > lastSeq ? { last_seq: through, head } : {}),
      ...(through > lastSeq && isFinal ? { went_back_at: now, pool_seq: lastSeq } : {}),
      ...more,
    })
  await tx('parked_event').where({ source_id: id }).andWhere('seq', '<=', through).delete()
}

/** What is staged with a stamp before the interval's end, and is in no sealed file, is late. */
async function makeLate(tx: Knex.Transaction, { number, endsAt }: { number: number; endsAt: number }): Promise<void> {
  const sources: { id: number; cut_seq: number }[] = await tx('source')
    .whereRaw('staged_through > cut_seq')
    .select('id', 'cut_seq')
  for (const { id, cut_seq } of sources)
    await tx('staged_event')
      .where({ source_id: id, late_in: 0 })
      .andWhere('seq', '>', cut_seq)
      .andWhere('at', '<', endsAt)
      .update({ late_in: number + 1 })
}
