import { EVENT_KINDS } from '@hansard/compliance-event'
import { z } from 'zod'

/** Why events that a document counts are not shown in it, and what else is wrong with it; docs/manifest.md. */
const LEFT_OUT_REASONS = ['missing', 'in-part', 'time', 'sender', 'repeated', 'changed', 'malformed'] as const
const PAGE_PROBLEMS = ['empty', 'malformed', 'names', 'depends-on-texts'] as const

const count = z.int().min(1)
const kind = z.enum(EVENT_KINDS)

const IncompletePage = z.strictObject({
  file: z.string().min(1),
  shown: z.partialRecord(kind, count),
  leftOut: z.array(z.strictObject({ kind, reason: z.enum(LEFT_OUT_REASONS), events: count })),
  problems: z.array(z.enum(PAGE_PROBLEMS)),
})
export type IncompletePage = z.infer<typeof IncompletePage>
export const Pages = z.array(IncompletePage)

export function orderPages(pages: readonly IncompletePage[]): IncompletePage[] {
  return pages.map(({ file, shown, leftOut, problems }) => ({
    file,
    shown: Object.fromEntries(EVENT_KINDS.filter((kind) => shown[kind]).map((kind) => [kind, shown[kind]])),
    leftOut: leftOut.map(({ kind, reason, events }) => ({ kind, reason, events })),
    problems: [...problems],
  }))
}

/** What a page does not show, in words. */
export function describePage({ leftOut, problems }: IncompletePage): string {
  const left = leftOut.map(({ kind, reason, events }) => `${events} ${kind} (${reason})`)
  return [...(left.length === 0 ? [] : [`does not show ${left.join(', ')}`]), ...problems].join('; ')
}
