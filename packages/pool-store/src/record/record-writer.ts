import type { Clock } from '@hansard/clock'
import { type Database, isTransient, isUniqueViolation } from '@hansard/sql'
import type { PolicyPlace } from '../access/policies.ts'
import { ChangeFailed, type ChangeWork, commitChange } from './commit-change.ts'
import { createCommitPostgres } from './commit-postgres.ts'
import { commitSqlite } from './commit-sqlite.ts'
import type { Fact, Outcome } from './facts.ts'
import type { After, SourceCounters } from './number-facts.ts'
import type { Source } from './sources.ts'

/**
 * The record writer: the only way a fact enters the pool database.
 *
 * Many facts, one transaction, one fsync. A fact, its compliance event and the source's counters commit together or not
 * at all, so there is no chat that compliance cannot see and no hole in the numbering. Callers are told after the commit
 * is durable, in the order of the record.
 *
 * The danger is a commit whose outcome is unknown (the connection broke while committing). The writer then trusts
 * nothing it remembers: it reads the source's counters back before it writes again, and answers every fact of the
 * batch with `RecordUnavailable`. The client repeats its post under the same name and is given the first chat id if
 * the commit did happen; departures are repeated by the writer's owner, and a second one records nothing.
 */
export type RecordWriter = {
  /** Puts a fact on record. `done` is called once: with the outcome after the commit, or with the error. */
  record(fact: Fact, done: (outcome: Outcome | RecordError) => void): void
  /**
   * Makes a change and puts it on record: see `ChangeWork`. Takes its turn among the facts. Rejects with what `work` threw
   * (nothing is changed then), or with a `RecordError`.
   */
  change<T>(work: ChangeWork<T>): Promise<T>
  /** Commits nothing but the time: later events of this source will not be stamped earlier. Rejects like a fact would. */
  report(): Promise<void>
  /** Facts waiting or being committed. */
  depth(): number
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>
  /** Refuses new facts and resolves when those under way are answered. */
  stop(): Promise<void>
}

export type RecordError = RecordUnavailable | SourceFenced | RecordBusy | RecordStopped

/** Transient: the database could not be reached or would not commit. Whether the batch is on record is unknown. */
export class RecordUnavailable extends Error {
  override name = 'RecordUnavailable'
}

/** Transient: more facts are waiting than the writer may hold. This one was not taken. */
export class RecordBusy extends Error {
  override name = 'RecordBusy'
}

/** For good: a successor has taken over this source's name. Nothing more can be recorded by this instance. */
export class SourceFenced extends Error {
  override name = 'SourceFenced'
  constructor(source: { name: string; epoch: number }) {
    super(
      `Epoch ${source.epoch} of source ${source.name} has been ended by a successor or an operator; this instance must stop.`,
    )
  }
}

/** For good: this writer was stopped. The fact was not taken. */
export class RecordStopped extends Error {
  override name = 'RecordStopped'
}

/**
 * @internal The source's row is not where this writer believes it to be: a commit of unknown outcome has happened after
 * all, or a successor has ended the source. Which, its row tells.
 */
export class SourceMoved extends Error {
  override name = 'SourceMoved'
  constructor(source: { name: string; epoch: number; lastSeq: number }) {
    super(`Source ${source.name}/${source.epoch} does not stand at ${source.lastSeq}, or is not alive.`)
  }
}

/** @internal One dialect's transaction. Throws without having written, except when the connection breaks while committing. */
export type Commit = (
  db: Database,
  source: SourceCounters & { name: string; epoch: number },
  facts: readonly Fact[],
  now: number,
  options: CommitOptions,
) => Promise<After>

/** @internal */
export type CommitOptions = { readonly findRepeats: boolean; readonly place: PolicyPlace }

export function createRecordWriter(options: {
  db: Database
  clock: Clock
  source: Source
  /** where the service stands: by the policies that count there nobody comes in or looks who may not use the pool */
  place: PolicyPlace
  /** facts in one transaction at most */
  batchMax?: number
  /** facts waiting at most; more are refused with `RecordBusy` */
  waitingMax?: number
  /** characters of chats and looks waiting at most */
  waitingCharactersMax?: number
  /** looks waiting at most: a search may be hundreds, and must leave the others room */
  looksWaitingMax?: number
  /** called after each commit, with the time at which it began: then at the latest this source was alive */
  onCommit?: (begunAt: number) => void
  /** called after each batch's facts were answered */
  onBatch?: (facts: readonly Fact[]) => void
  /** called when a batch failed and its outcome may be unknown */
  onFailure?: (error: unknown, facts: readonly Fact[]) => void
}): RecordWriter {
  const { db, clock, source, place, batchMax = 512, waitingMax = 65_536, onCommit, onBatch, onFailure } = options
  const { waitingCharactersMax = 64 * 1_024 * 1_024, looksWaitingMax = 4_096 } = options
  const commit = db.dialect === 'sqlite' ? commitSqlite : createCommitPostgres(clock)
  let counters: SourceCounters | undefined = { lastSeq: 0, lastStamp: source.lastStamp, head: source.head }
  let waiting: Waiting[] = []
  const changes: Changing[] = []
  let reports: { resolve(): void; reject(error: unknown): void }[] = []
  let committing = 0
  let scheduled = false
  let ended: RecordError | undefined
  let onIdle: (() => void)[] = []
  let characters = 0
  /** what of it all is looks, the batch under way included */
  const looks = { waiting: 0, characters: 0 }

  const count = (fact: Fact, sign: 1 | -1) => {
    const size = sign * sizeOf(fact)
    characters += size
    if (!isLook(fact)) return
    looks.waiting += sign
    looks.characters += size
  }
  const tooManyLooks = () => looks.waiting >= looksWaitingMax || looks.characters > waitingCharactersMax / LOOKS_SHARE

  // What a caller does with its answer is its own affair: the next in the batch must still get theirs.
  const answer = (entry: Waiting, outcome: Outcome | RecordError) => {
    try {
      entry.done(outcome)
    } catch (error) {
      onFailure?.(error, [entry.fact])
    }
  }

  const readCounters = async (): Promise<SourceCounters> => {
    const row: { last_seq: number; last_stamp: number; head: string; state: string } | undefined = await db
      .knex('source')
      .where({ name: source.name, epoch: source.epoch })
      .first('last_seq', 'last_stamp', 'head', 'state')
    if (row?.state !== 'alive') throw new SourceFenced(source)
    return { lastSeq: row.last_seq, lastStamp: row.last_stamp, head: row.head }
  }

  const commitBatch = async (facts: readonly Fact[]): Promise<After> => {
    counters ??= await readCounters()
    const numbered = { ...counters, name: source.name, epoch: source.epoch }
    try {
      return await commit(db, numbered, facts, clock.now(), { findRepeats: false, place })
    } catch (error) {
      // Throws SourceFenced when the source has been ended.
      if (error instanceof SourceMoved) await readCounters()
      // A client repeated a post without saying so; the index caught it and nothing was written.
      if (!isUniqueViolation(error)) throw error
      return await commit(db, numbered, facts, clock.now(), { findRepeats: true, place })
    }
  }

  const makeChange = async ({ work, resolve, reject }: Changing) => {
    try {
      if (ended) throw ended
      counters ??= await readCounters()
      const numbered = { ...counters, name: source.name, epoch: source.epoch }
      const begunAt = clock.now()
      const committed = await commitChange(db, numbered, work, begunAt)
      counters = committed.source
      onCommit?.(begunAt)
      resolve(committed.result)
      onBatch?.([])
    } catch (error) {
      counters = undefined
      if (error instanceof ChangeFailed) return reject(error.cause)
      try {
        // Throws SourceFenced when the source has been ended.
        if (error instanceof SourceMoved) await readCounters()
        reject(unavailable(error))
        onFailure?.(error, [])
      } catch (fenced) {
        if (fenced instanceof SourceFenced) ended = fenced
        reject(fenced instanceof SourceFenced ? fenced : unavailable(fenced))
        onFailure?.(fenced, [])
      }
    }
  }

  const turn = async () => {
    while (waiting.length > 0 || reports.length > 0 || changes.length > 0) {
      const change = changes.shift()
      if (change) await makeChange(change)
      if (waiting.length === 0 && reports.length === 0) continue
      const batch = waiting.length > batchMax ? waiting.splice(0, batchMax) : waiting
      if (batch === waiting) waiting = []
      const reporting = reports
      reports = []
      committing = batch.length
      const facts = batch.map((entry) => entry.fact)
      let after: After | undefined
      let failure: unknown
      try {
        if (ended) throw ended
        const begunAt = clock.now()
        after = await commitBatch(facts)
        counters = after.source
        onCommit?.(begunAt)
      } catch (error) {
        counters = undefined
        failure = error
      }
      committing = 0
      for (const { fact } of batch) count(fact, -1)
      if (after) {
        const { outcomes } = after
        batch.forEach((entry, index) => answer(entry, outcomes[index]!))
        for (const report of reporting) report.resolve()
        onBatch?.(facts)
      } else {
        const refusal = failure instanceof SourceFenced ? failure : unavailable(failure)
        if (failure instanceof SourceFenced) ended = failure
        for (const entry of batch) answer(entry, refusal)
        for (const report of reporting) report.reject(refusal)
        onFailure?.(failure, facts)
      }
    }
    scheduled = false
    const idle = onIdle
    onIdle = []
    for (const resolve of idle) resolve()
  }

  // setImmediate: everything the sockets deliver in this turn of the event loop shares one commit.
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(() => void turn())
  }

  const drained = () => new Promise<void>((resolve) => (scheduled ? onIdle.push(resolve) : resolve()))

  return {
    record(fact, done) {
      if (ended) return done(ended)
      if (waiting.length >= waitingMax || characters > waitingCharactersMax || (isLook(fact) && tooManyLooks()))
        return done(new RecordBusy(`${waiting.length} facts are waiting to be recorded.`))
      count(fact, 1)
      waiting.push({ fact, done })
      schedule()
    },
    change: (work) =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended)
        if (changes.length >= CHANGES_WAITING_MAX)
          return reject(new RecordBusy(`${changes.length} changes are waiting to be recorded.`))
        changes.push({ work, resolve: resolve as (result: unknown) => void, reject })
        schedule()
      }),
    report: () =>
      new Promise((resolve, reject) => {
        if (ended) return reject(ended)
        reports.push({ resolve, reject })
        schedule()
      }),
    depth: () => waiting.length + committing,
    drained,
    async stop() {
      await drained()
      ended ??= new RecordStopped('The service is stopping.')
    },
  }
}

const CHANGES_WAITING_MAX = 1_000
/** Of the characters that may wait, looks have one part in so many. */
const LOOKS_SHARE = 4

type Changing = {
  readonly work: ChangeWork<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}
type Waiting = { readonly fact: Fact; readonly done: (outcome: Outcome | RecordError) => void }

const isLook = (fact: Fact) => fact.kind === 'backchat'

function sizeOf(fact: Fact): number {
  if (fact.kind === 'chat') return fact.text.length
  return fact.kind === 'backchat' ? (fact.query?.length ?? 0) : 0
}

function unavailable(error: unknown): RecordUnavailable {
  const what = isTransient(error)
    ? 'The pool database cannot be written to just now.'
    : 'The pool database refused the record.'
  return new RecordUnavailable(what, { cause: error })
}
