import type { Clock } from '@hansard/clock'
import { type Database, isTransient, isUniqueViolation } from '@hansard/sql'
import type { PolicyPlace } from '../access/policies.ts'
import { createClockGuard } from './clock-guard.ts'
import { ChangeFailed, type ChangeWork, commitChange } from './commit-change.ts'
import { createCommitPostgres } from './commit-postgres.ts'
import { commitSqlite } from './commit-sqlite.ts'
import type { Fact, Outcome } from './facts.ts'
import type { After, SourceCounters } from './number-facts.ts'
import {
  type ClockOff,
  RecordBusy,
  type RecordError,
  RecordStopped,
  RecordUnavailable,
  SourceFenced,
  SourceMoved,
} from './record-errors.ts'
import { noteClockOff, type Source } from './sources.ts'

/**
 * The record writer: the only way a fact enters the pool database.
 *
 * It uses group commit: many facts, one transaction, one fsync. A fact, its compliance event and the source's
 * counters commit together or not at all, so there is no chat that compliance cannot see and no hole in the
 * numbering. Callers are answered after the commit is durable, in the order of the record.
 *
 * The danger is a commit whose outcome is unknown (the connection broke while committing). The writer then trusts
 * nothing it remembers: it reads the source's counters again before it writes, and answers every fact of the batch
 * with `RecordUnavailable`. The client repeats its post under the same name and gets the first chat id if the commit
 * did happen. The writer's owner repeats departures; a second one records nothing.
 *
 * The other danger is a clock that lies (`clock-guard.ts`). While it does, facts and changes are answered with
 * `ClockOff`. Reports go on, by a time that is not later than the true one, so that no interval waits for this source.
 */
export type RecordWriter = {
  /**
   * Records a fact. Resolves with the outcome after the commit, or with the error; never rejects. Promises of one
   * batch resolve in the order of the record, and the microtasks of their callers run before `onBatch`.
   */
  record(fact: Fact): Promise<Outcome | RecordError>
  /**
   * Makes a change and records it: see `ChangeWork`. It is queued with the facts. Rejects with what `work` threw
   * (nothing is changed then), or with a `RecordError`.
   */
  change<T>(work: ChangeWork<T>): Promise<T>
  /** Commits only the time: later events of this source will not be stamped earlier. Rejects like a fact. */
  report(): Promise<void>
  /** facts waiting or being committed */
  depth(): number
  /** Resolves when nothing waits any more. */
  drained(): Promise<void>
  /** Refuses new facts and resolves when the pending ones are answered. */
  stop(): Promise<void>
}

export function createRecordWriter(options: {
  db: Database
  clock: Clock
  source: Source
  /** the service's pool and site: a user whom the policies there do not enable cannot join or read */
  place: PolicyPlace
  /** maximum facts per transaction */
  batchMax?: number
  /** maximum facts waiting; more are refused with `RecordBusy` */
  waitingMax?: number
  /** maximum characters of chats and audited reads waiting */
  waitingCharactersMax?: number
  /** maximum audited reads waiting: a search may cause hundreds, and must leave room for other facts */
  readsWaitingMax?: number
  /** Called after each commit, with the time at which it began: the source was alive then. */
  onCommit?: (begunAt: number) => void
  /** called after the facts of each batch were answered and their callers have run */
  onBatch?: (facts: readonly Fact[]) => void
  /** a clock that is further off is not believed, in milliseconds */
  clockBoundMs?: number | undefined
  /** called when the clock is not to be believed any more, and when it is again */
  onClock?: (off: ClockOff | undefined) => void
  /** called when a batch failed and its outcome may be unknown */
  onFailure?: (error: unknown, facts: readonly Fact[]) => void
}): RecordWriter {
  const { db, clock, source, place, batchMax = 512, waitingMax = 65_536, onCommit, onBatch, onFailure } = options
  const { waitingCharactersMax = 64 * 1_024 * 1_024, readsWaitingMax = 4_096, onClock } = options
  const commit = db.dialect === 'sqlite' ? commitSqlite : createCommitPostgres(clock)
  const begun: SourceCounters = { lastSeq: 0, lastStamp: source.lastStamp, head: source.head }
  const guard = createClockGuard({ db, clock, boundMs: options.clockBoundMs })
  /** what the clock was last said to be, here and in the source's row */
  let said: { told: boolean; noted: number | null } = { told: false, noted: null }
  let counters: SourceCounters | undefined = begun
  /** the counters of the last commit that was confirmed */
  let confirmed = begun
  let waiting: Waiting[] = []
  const changes: Changing[] = []
  let reports: { resolve(): void; reject(error: unknown): void }[] = []
  let committing = 0
  let scheduled = false
  let ended: RecordError | undefined
  let onIdle: (() => void)[] = []
  let characters = 0
  /** how many of the characters are audited reads, the current batch included */
  const reads = { waiting: 0, characters: 0 }

  const count = (fact: Fact, sign: 1 | -1) => {
    const size = sign * sizeOf(fact)
    characters += size
    if (!isRead(fact)) return
    reads.waiting += sign
    reads.characters += size
  }
  const tooManyReads = () => reads.waiting >= readsWaitingMax || reads.characters > waitingCharactersMax / READS_SHARE

  const readCounters = async (): Promise<SourceCounters> => {
    const row: { last_seq: number; last_stamp: number; head: string; state: string } | undefined = await db
      .knex('source')
      .where({ name: source.name, epoch: source.epoch, incarnation: source.incarnation })
      .first('last_seq', 'last_stamp', 'head', 'state')
    if (row?.state !== 'alive') throw new SourceFenced(source)
    const read = { lastSeq: row.last_seq, lastStamp: row.last_stamp, head: row.head }
    // Numbers that this writer has seen committed must not be given out again with other texts.
    if (read.lastSeq < confirmed.lastSeq || (read.lastSeq === confirmed.lastSeq && read.head !== confirmed.head))
      throw new SourceFenced(source, { committed: confirmed.lastSeq, found: read.lastSeq })
    confirmed = read
    return read
  }

  /** The time to stamp with, and why nothing may be stamped with it. */
  const readClock = async (lastStamp: number) => {
    const read = await guard.read(lastStamp)
    const { off } = read
    if (said.told !== (off !== undefined)) onClock?.(off)
    said = { ...said, told: off !== undefined }
    const noted = off ? 1_000 * Math.round(off.ms / 1_000) : null
    if (said.noted !== noted) {
      await noteClockOff(db, source, noted)
      said = { ...said, noted }
    }
    return read
  }

  /** `off`: nothing but the time was committed. */
  const commitBatch = async (facts: readonly Fact[]): Promise<{ after: After; off: ClockOff | undefined }> => {
    counters ??= await readCounters()
    const { now, off } = await readClock(counters.lastStamp)
    return { after: await commitAt(off ? [] : facts, now), off }
  }

  const commitAt = async (facts: readonly Fact[], now: number): Promise<After> => {
    counters ??= await readCounters()
    const numbered = { ...counters, name: source.name, epoch: source.epoch, incarnation: source.incarnation }
    try {
      return await commit(db, numbered, facts, now, { findRepeats: false, place })
    } catch (error) {
      // Throws SourceFenced when the source has been ended.
      if (error instanceof SourceMoved) await readCounters()
      // A client repeated a post without declaring it; the unique index refused it and nothing was written.
      if (!isUniqueViolation(error)) throw error
      return await commit(db, numbered, facts, now, { findRepeats: true, place })
    }
  }

  const makeChange = async ({ work, resolve, reject }: Changing) => {
    try {
      if (ended) throw ended
      counters ??= await readCounters()
      const numbered = { ...counters, name: source.name, epoch: source.epoch, incarnation: source.incarnation }
      const begunAt = clock.now()
      const { now, off } = await readClock(counters.lastStamp)
      if (off) return reject(off)
      const committed = await commitChange(db, numbered, work, now)
      counters = committed.source
      confirmed = counters
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
      let off: ClockOff | undefined
      let failure: unknown
      try {
        if (ended) throw ended
        const begunAt = clock.now()
        ;({ after, off } = await commitBatch(facts))
        counters = after.source
        confirmed = counters
        onCommit?.(begunAt)
      } catch (error) {
        counters = undefined
        failure = error
      }
      committing = 0
      for (const { fact } of batch) count(fact, -1)
      if (after) {
        const { outcomes } = after
        batch.forEach((entry, index) => entry.resolve(off ?? outcomes[index]!))
        for (const report of reporting) report.resolve()
        await callersHaveRun()
        onBatch?.(off ? [] : facts)
      } else {
        const refusal = failure instanceof SourceFenced ? failure : unavailable(failure)
        if (failure instanceof SourceFenced) ended = failure
        for (const entry of batch) entry.resolve(refusal)
        for (const report of reporting) report.reject(refusal)
        onFailure?.(failure, facts)
      }
    }
    scheduled = false
    const idle = onIdle
    onIdle = []
    for (const resolve of idle) resolve()
  }

  // setImmediate: everything the sockets deliver in this tick of the event loop shares one commit.
  const schedule = () => {
    if (scheduled) return
    scheduled = true
    setImmediate(() => void turn())
  }

  const drained = () => new Promise<void>((resolve) => (scheduled ? onIdle.push(resolve) : resolve()))

  return {
    record(fact) {
      if (ended) return Promise.resolve(ended)
      if (waiting.length >= waitingMax || characters > waitingCharactersMax || (isRead(fact) && tooManyReads()))
        return Promise.resolve(new RecordBusy(`${waiting.length} facts are waiting to be recorded.`))
      count(fact, 1)
      return new Promise((resolve) => {
        waiting.push({ fact, resolve })
        schedule()
      })
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

/**
 * Node runs `nextTick` after all microtasks, however long their chains: the immediate work of all callers is done by
 * then.
 */
const callersHaveRun = () => new Promise<void>((resolve) => process.nextTick(resolve))

const CHANGES_WAITING_MAX = 1_000
/** Audited reads may use one part in this many of the waiting characters. */
const READS_SHARE = 4

type Changing = {
  readonly work: ChangeWork<unknown>
  readonly resolve: (result: unknown) => void
  readonly reject: (error: unknown) => void
}
type Waiting = { readonly fact: Fact; readonly resolve: (outcome: Outcome | RecordError) => void }

const isRead = (fact: Fact) => fact.kind === 'backchat'

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
