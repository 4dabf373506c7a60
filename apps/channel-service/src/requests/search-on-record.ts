import { createHash } from 'node:crypto'
import type { FeedFilter } from '@hansard/pool-store'
import type { ChatFilter } from '@hansard/wire'

/**
 * A search as it stands on record: the words as they were typed, and after them what else was asked for. It is recorded in
 * every room that something was found in, so a long list of authors is cut; the words never are.
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

/** A feed that somebody opened, as it stands on record. */
export function feedOnRecord(filter: FeedFilter, owner: { readonly name: string; readonly account: string }): string {
  const authors = filter.authors.length === 0 ? [] : [listOnRecord(filter.authors, ' | ')]
  return [...filter.words, ...authors, ...(filter.ego ? [owner.name, owner.account] : [])].join(' | ')
}

/**
 * As many of the entries as fit, each of them whole. Of the others stand their number and the digest of all, by which whoever
 * has the list can prove that it was this one.
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
