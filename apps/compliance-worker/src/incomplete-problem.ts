import { describePage, type IncompletePage } from '@hansard/evidence'
import type { Export } from '@hansard/staging'

const PAGES_NAMED = 3

/** What an operator reads when an export was sealed that does not show everything it counts. */
export function incompleteProblem(
  { adapter, number }: Export,
  pages: readonly IncompletePage[] = [],
): string | undefined {
  if (pages.length === 0) return undefined
  const named = pages.slice(0, PAGES_NAMED).map((page) => `${page.file} ${describePage(page)}`)
  const more = pages.length > PAGES_NAMED ? `; and ${pages.length - PAGES_NAMED} more documents` : ''
  return `${adapter}/${number} was sealed as incomplete: ${named.join('; ')}${more}. Correct the stylesheet of ${adapter}; nothing is lost.`
}
