import {
  type ComplianceEvent,
  type EnvelopeEvent,
  encodeEvent,
  genesisHead,
  leafOf,
  nextHead,
  type PartReason,
  type SourceProgress,
  type SourceReport,
  type SourceState,
} from '@hansard/compliance-event'
import type { EventsEnvelope } from '../stage-events.ts'

/**
 * A pool scripted by a test, without a database: its sources record events with numbers, room sequences and chains as
 * real ones do. It returns envelopes and source progress, which the test delivers as it likes.
 */
export function scriptedPool(): ScriptedPool {
  const roomSeqs = new Map<string, number>()
  const chatIds = new Map<string, number>()
  const sources: ScriptedSource[] = []
  const nextOf = (counters: Map<string, number>, key: string) => {
    const next = (counters.get(key) ?? 0) + 1
    counters.set(key, next)
    return next
  }
  return {
    source(name, { epoch = 1, incarnation = '', startedAt }) {
      const recorded: EnvelopeEvent[] = []
      let head = genesisHead(name, epoch, incarnation)
      let state: SourceState = 'alive'
      let reportedAt = startedAt
      const record = (room: string, who: string, at: number, detail: EventDetail) => {
        const event = {
          v: 1,
          source: name,
          epoch,
          ...(incarnation === '' ? {} : { incarnation }),
          seq: recorded.length + 1,
          at,
          room: { uri: roomUri(room), name: room, seq: nextOf(roomSeqs, room) },
          principal: principal(who),
          ...detail,
        } as ComplianceEvent
        put(encodeEvent(event), at)
      }
      const put = (body: string, at: number) => {
        head = nextHead(head, leafOf(body))
        recorded.push({ seq: recorded.length + 1, at, body, head })
        reportedAt = Math.max(reportedAt, at)
      }
      const source: ScriptedSource = {
        name,
        epoch,
        recorded,
        says(room, who, content, at) {
          record(room, who, at, { kind: 'chat', chatId: nextOf(chatIds, room), content })
        },
        joins: (room, who, at, session = `${name}-${who}`) => record(room, who, at, { kind: 'join', session }),
        parts: (room, who, at, { session = `${name}-${who}`, reason = 'left' as PartReason } = {}) =>
          record(room, who, at, { kind: 'part', session, reason }),
        records: record,
        putText: put,
        envelope: (from = 1, through = recorded.length) => ({
          source: name,
          epoch,
          incarnation,
          events: recorded.slice(from - 1, through),
        }),
        reports(at) {
          reportedAt = Math.max(reportedAt, at)
        },
        ends(how) {
          state = how
        },
        report: () => ({
          source: name,
          epoch,
          incarnation,
          state,
          startedAt,
          lastSeq: recorded.length,
          head,
          reportedAt,
        }),
      }
      sources.push(source)
      return source
    },
    rollCall: (takenAt) => ({ takenAt, sources: sources.map((source) => source.report()) }),
  }
}

export type ScriptedPool = {
  source(name: string, options: { epoch?: number; incarnation?: string; startedAt: number }): ScriptedSource
  rollCall(takenAt: number): SourceProgress
}

export type ScriptedSource = {
  readonly name: string
  readonly epoch: number
  readonly recorded: readonly EnvelopeEvent[]
  says(room: string, who: string, content: string, at: number): void
  joins(room: string, who: string, at: number, session?: string): void
  parts(room: string, who: string, at: number, options?: { session?: string; reason?: PartReason }): void
  /** An event of any kind. */
  records(room: string, who: string, at: number, detail: EventDetail): void
  /** Appends any text to the chain, as a source of another version might. */
  putText(body: string, at: number): void
  envelope(from?: number, through?: number): EventsEnvelope
  reports(at: number): void
  ends(how: SourceState): void
  report(): SourceReport
}

/** The fields specific to an event. */
type EventDetail = ComplianceEvent extends infer E
  ? E extends ComplianceEvent
    ? Omit<E, 'v' | 'source' | 'epoch' | 'incarnation' | 'seq' | 'at' | 'room' | 'principal'>
    : never
  : never

export function roomUri(room: string): string {
  return `ma-chan://fourthcoffee.com/${room}`
}

function principal(who: string) {
  const id = [...who].reduce((sum, letter) => sum * 31 + letter.codePointAt(0)!, 7) % 1_000_000
  return { id, uri: `sip:${who}@fourthcoffee.com`, name: who, internal: true }
}
