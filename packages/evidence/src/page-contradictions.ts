import { EVENT_KINDS, type EventKind } from '@hansard/compliance-event'
import type { Manifest } from './manifest.ts'

/** What the pages of a manifest say that its files and counts do not allow. */
export function* contradictionsInPages({ pages = [], files, counts, omitted }: Manifest): Generator<string> {
  const documents = files.filter(({ role }) => role === 'document')
  let place = -1
  const told = new Map<EventKind, number>()
  for (const { file, shown, leftOut, problems } of pages) {
    const at = documents.findIndex(({ name }) => name === file)
    if (at <= place) yield `its pages name ${file}, which is not listed there`
    place = at
    if (leftOut.length === 0 && problems.length === 0) yield `its pages name ${file}, which shows everything`
    let events = 0
    for (const kind of EVENT_KINDS) {
      const left = leftOut.reduce((sum, each) => sum + (each.kind === kind ? each.events : 0), 0)
      events += left + (shown[kind] ?? 0)
      const number = (told.get(kind) ?? 0) + left + (shown[kind] ?? 0)
      if (number > 0) told.set(kind, number)
    }
    const listed = documents[at]?.events
    if (listed !== undefined && events !== listed)
      yield `its pages tell of ${events} events in ${file}, which has ${listed}`
  }
  for (const kind of EVENT_KINDS) {
    const number = told.get(kind)
    const due = counts[kind] - (omitted[kind] ?? 0)
    if (number !== undefined && number > due)
      yield `its pages tell of ${number} events of kind ${kind}, ${due} are to be shown`
  }
}
