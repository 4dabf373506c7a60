import { describePage, type IncompletePage } from '@hansard/evidence'

const PAGES_NAMED = 3

/** What an export does not show of the events that it counts, in words; undefined when it shows all of them. */
export function incompleteness(pages: readonly IncompletePage[] = []): string | undefined {
  if (pages.length === 0) return undefined
  const named = pages.slice(0, PAGES_NAMED).map((page) => `${page.file} ${describePage(page)}`)
  const more = pages.length > PAGES_NAMED ? `; and ${pages.length - PAGES_NAMED} more documents` : ''
  return `${named.join('; ')}${more}`
}
