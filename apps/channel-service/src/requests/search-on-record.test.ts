import { createHash } from 'node:crypto'
import { expect, it } from 'vitest'
import { feedOnRecord, searchOnRecord } from './search-on-record.ts'

const any = { match: 'all', caseSensitive: false } as const
const owner = { name: 'Ann', account: 'ann' }

it('a search is recorded as it was typed', () => {
  expect(searchOnRecord({ ...any, words: 'oil' })).toBe('oil')
  const authors = ['sip:a@x', 'sip:b@x']
  const more = { match: 'phrase' as const, caseSensitive: true, authors, from: 0 }
  expect(searchOnRecord({ ...more, words: 'red line' })).toBe(
    'red line [as a phrase; case sensitive; by sip:a@x, sip:b@x; from 1970-01-01T00:00:00.000Z]',
  )
  expect(searchOnRecord({ ...any, authors: ['sip:a@x'] })).toBe('[by sip:a@x]')
  const feed = { words: ['risk', 'red line'], authors: ['sip:a@x', 'sip:b@x'], ego: true }
  expect(feedOnRecord(feed, owner)).toBe('risk | red line | sip:a@x | sip:b@x | Ann | ann')
  expect(feedOnRecord({ words: [], authors: [], ego: true }, owner)).toBe('Ann | ann')
})

it('a long list of authors is cut in the record: whole names, how many more, and the digest of all', () => {
  const authors = Array.from({ length: 100 }, (_, n) => `sip:${'x'.repeat(200)}${n}@example.com`)
  const digest = createHash('sha256').update(authors.join('\n')).digest('hex')
  const rest = `96 more of 100 (SHA-256 of all, one a line: ${digest})`
  const words = 'w'.repeat(1_024)

  const recorded = searchOnRecord({ ...any, words, authors, to: 0 })
  expect(recorded).toBe(`${words} [by ${[...authors.slice(0, 4), rest].join(', ')}; to 1970-01-01T00:00:00.000Z]`)
  expect(recorded.length).toBeLessThan(2_300)
  const feed = feedOnRecord({ words: ['risk'], authors, ego: false }, owner)
  expect(feed).toBe(['risk', ...authors.slice(0, 4), rest].join(' | '))

  const one = searchOnRecord({ ...any, authors: [`sip:${'x'.repeat(1_010)}@x`, 'sip:b@x'] })
  expect(one).toMatch(/^\[by 2 more of 2 \(SHA-256 of all, one a line: [0-9a-f]{64}\)\]$/)
})
