import { EVENT_KINDS, type EventKind } from '@hansard/compliance-event'

/** How many events of each kind an export holds. */
export type KindCounts = Record<EventKind, number>

export function newKindCounts(): KindCounts {
  return Object.fromEntries(EVENT_KINDS.map((kind) => [kind, 0])) as KindCounts
}

export function totalOf(counts: KindCounts): number {
  return Object.values(counts).reduce((sum, count) => sum + count, 0)
}
