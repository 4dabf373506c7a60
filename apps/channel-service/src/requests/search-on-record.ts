import { createHash } from 'node:crypto'
import type { FeedFilter } from '@hansard/pool-store'
import type { ChatFilter } from '@hansard/wire'

/**
 * A search as it is recorded: the words as typed, then the other criteria. It is recorded in every room with results,
 * so a long list of authors is cut; the words never are.
 */
export function searchOnRecord({ words = '', match, caseSensitive, authors, from, to }: ChatFilter): string {
  const time = (ms: number) => new Date(ms).toISOString()
  const more = [
    ...(words === '' || match === 'all' ? [] : [match === 'any' ? 'any of the words' : 'as a phrase']),
    ...(caseSensitive ? ['case sensitive'] : []),
    ...(authors ? [`by ${listOnRecord(authors, ', ')}`] : []),
    ...(from === undefined ? [] : [`from ${time(from)}`]),
    ...(to === undefined ? [] : [`to ${time(to)}`]),
  ]
  return more.length === 0 ? words : `${words} [${more.join('; ')}]`.trimStart()
}

/** The opening of a feed, as it is recorded. */
export function feedOnRecord(filter: FeedFilter, owner: { readonly name: string; readonly account: string }): string {
  const authors = filter.authors.length === 0 ? [] : [listOnRecord(filter.authors, ' | ')]
  return [...filter.words, ...authors, ...(filter.ego ? [owner.name, owner.account] : [])].join(' | ')
}

/**
 * As many whole entries as fit, the number of the others, and the digest of all of them, which proves which list it
 * was.
 */
function listOnRecord(entries: readonly string[], between: string): string {
  let characters = 0
  const fitting = entries.findIndex((entry) => {
    characters += entry.length + between.length
    return characters > LIST_CHARACTERS_MAX
  })
  if (fitting === -1) return entries.join(between)
  const digest = createHash('sha256').update(entries.join('\n')).digest('hex')
  const others = `${entries.length - fitting} more of ${entries.length} (SHA-256 of all, one a line: ${digest})`
  return [...entries.slice(0, fitting), others].join(between)
}

const LIST_CHARACTERS_MAX = 1_000
