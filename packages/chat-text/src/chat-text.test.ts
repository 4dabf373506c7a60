import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chatQuery, exactWordsOf, matcherOf, matches, QueryRefused, type WordMatch, wordsOf } from './index.ts'
import { follows } from './sequence.ts'
import { foldCase } from './words.ts'

const finds = (words: string, text: string, match: WordMatch = 'all', caseSensitive = false) =>
  matches(chatQuery({ words, match, caseSensitive }), { text })

describe('words', () => {
  it('are runs of letters and digits, case-folded', () => {
    expect(wordsOf('Sell 500 @ 12.5, NOW!')).toEqual(['sell', '500', '12', '5', 'now'])
    expect(wordsOf('Straße ÉCOLE')).toEqual(['strasse', 'école'])
  })
  it('are normalised to compatibility forms, however they were typed', () => {
    expect(wordsOf('ﬁne ＡＢＣ e\u0301')).toEqual(['fine', 'abc', 'é'])
    expect(wordsOf('ὈΔΌΣ')).toEqual(wordsOf('ὀδός'))
  })
  it('are single characters in scripts without spaces, and single pictographs', () => {
    expect(wordsOf('東京タワー ok👍👍')).toEqual(['東', '京', 'タ', 'ワ', 'ー', 'ok', '👍', '👍'])
  })
  it('can be split from any text, and folding their case again changes nothing', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), (text) => {
        const words = wordsOf(text)
        expect(words).toEqual(exactWordsOf(text).map(foldCase))
        expect(words.map(foldCase)).toEqual(words)
      }),
    )
  })
})

describe('a query', () => {
  it('for any word needs one of them, for all words needs each, in any order', () => {
    expect(finds('oil gas', 'the gas desk', 'any')).toBe(true)
    expect(finds('oil gas', 'the gas desk')).toBe(false)
    expect(finds('desk gas', 'the gas desk')).toBe(true)
  })
  it('for a phrase needs adjacent words in order', () => {
    expect(finds('gas desk', 'The gas, desk!', 'phrase')).toBe(true)
    expect(finds('desk gas', 'the gas desk', 'phrase')).toBe(false)
    expect(finds('a b', 'a a b', 'phrase')).toBe(true)
  })
  it('treats text typed without a space as a phrase', () => {
    expect(finds('京タ', '東京タワー', 'any')).toBe(true)
    expect(finds('京東', '東京タワー', 'any')).toBe(false)
    expect(finds("don't", "I don't know")).toBe(true)
    expect(finds("don't", 't don')).toBe(false)
  })
  it('is case-sensitive only on request', () => {
    expect(finds('Gas', 'GAS')).toBe(true)
    expect(finds('Gas', 'GAS', 'all', true)).toBe(false)
    expect(finds('Gas', 'Gas', 'all', true)).toBe(true)
  })
  it('matches words of the title, and no phrase that extends from it into the text', () => {
    const phrase = (words: string) =>
      matches(chatQuery({ words, match: 'phrase', caseSensitive: false }), { text: 'gamma', title: 'alpha beta' })
    expect(phrase('alpha beta')).toBe(true)
    expect(phrase('beta gamma')).toBe(false)
    expect(phrase('gamma alpha')).toBe(false)
  })
  it('without a word matches nothing', () => {
    for (const match of ['any', 'all', 'phrase'] as const) {
      expect(finds('', 'text', match)).toBe(false)
      expect(finds('"*" ()', 'text', match)).toBe(false)
    }
  })
  it('that is too long or has too many words is refused', () => {
    expect(() => finds('x'.repeat(65_536), 'x')).toThrow(QueryRefused)
    expect(() => finds('a '.repeat(65), 'a')).toThrow(/64 words/)
  })
  it('gives the index only words that a matching chat has', () => {
    const text = fc.array(fc.constantFrom('a', 'B', 'ß', 'SS', '東', '京', ' ', '-', "'"), { maxLength: 12 })
    fc.assert(
      fc.property(
        text,
        text,
        fc.constantFrom<WordMatch>('any', 'all', 'phrase'),
        fc.boolean(),
        (a, b, match, cased) => {
          const query = chatQuery({ words: a.join(''), match, caseSensitive: cased })
          const words = new Set(wordsOf(b.join('')))
          const has = (term: readonly string[]) => term.every((word) => words.has(word))
          if (!matches(query, { text: b.join('') })) return
          expect(match === 'any' ? query.indexed.some(has) : query.indexed.every(has)).toBe(true)
        },
      ),
    )
  })
})

describe('adjacent words', () => {
  it('are found exactly where a naive search finds them', () => {
    const few = fc.array(fc.constantFrom('a', 'b'), { minLength: 1, maxLength: 6 })
    let found = 0
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b'), { maxLength: 30 }), few, (words, term) => {
        const expected = words.some((_, at) => term.every((word, index) => words[at + index] === word))
        if (expected) found += 1
        expect(follows(words, term)).toBe(expected)
        const queries = ['x', 'y', 'z', 'x y', term.join(' ')].map((words) =>
          chatQuery({ words, match: 'phrase', caseSensitive: false }),
        )
        const ask = matcherOf({ text: words.join(' ') })
        expect(queries.map(ask)).toEqual([false, false, false, false, expected])
      }),
      { numRuns: 500 },
    )
    expect(found).toBeGreaterThan(50)
  })

  it('are searched for in linear time, however often the text starts like them', () => {
    let reads = 0
    const text = Array<string>(20_000).fill('za')
    const counted = new Proxy(text, {
      get(words, key) {
        reads += 1
        return Reflect.get(words, key)
      },
    })

    expect(follows(counted, [...Array<string>(63).fill('za'), 'zb'])).toBe(false)
    expect(reads).toBeGreaterThan(20_000)
    // Its length is read for each word.
    expect(reads).toBeLessThan(5 * 20_000)
  })
})
