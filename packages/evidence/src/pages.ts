import { EVENT_KINDS } from '@hansard/compliance-event'
import { z } from 'zod'
import type { Manifest } from './manifest.ts'

/** Why events that a document counts are not shown in it, and what else is wrong with it; docs/manifest.md. */
export const LEFT_OUT_REASONS = ['missing', 'in-part', 'time', 'sender', 'repeated', 'changed', 'malformed'] as const
export const PAGE_PROBLEMS = ['empty', 'malformed', 'names', 'depends-on-texts'] as const

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

/** What the pages of a manifest say that its files and counts do not allow. */
export function* contradictionsInPages({ pages = [], files, counts, omitted }: Manifest): Generator<string> {
  const documents = files.filter(({ role }) => role === 'document')
  let place = -1
  const told = new Map<(typeof EVENT_KINDS)[number], number>()
  for (const { file, shown, leftOut, problems } of pages) {
    const at = documents.findIndex(({ name }) => name === file)
    if (at <= place) yield `its pages name ${file}, which is not listed there`
    place = at
    if (leftOut.length === 0 && problems.length === 0) yield `its pages name ${file}, which shows everything`
    let events = 0
    for (const kind of EVENT_KINDS) {
      const left = leftOut.reduce((sum, each) => sum + (each.kind === kind ? each.events : 0), 0)
      events += left + (shown[kind] ?? 0)
      told.set(kind, (told.get(kind) ?? 0) + left + (shown[kind] ?? 0))
    }
    const listed = documents[at]?.events
    if (listed !== undefined && events !== listed)
      yield `its pages tell of ${events} events in ${file}, which has ${listed}`
  }
  for (const [kind, number] of told) {
    const due = counts[kind] - (omitted[kind] ?? 0)
    if (number > due) yield `its pages tell of ${number} events of kind ${kind}, ${due} are to be shown`
  }
}

/** What a page does not show, in words. */
export function describePage({ leftOut, problems }: IncompletePage): string {
  const left = leftOut.map(({ kind, reason, events }) => `${events} ${kind} (${reason})`)
  return [...(left.length === 0 ? [] : [`does not show ${left.join(', ')}`]), ...problems].join('; ')
}
