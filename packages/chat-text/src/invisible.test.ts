import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { chatQuery, exactWordsOf, matches, skeletonOf, wordsOf } from './index.ts'
import { foldCase } from './words.ts'

const finds = (words: string, text: string, more: { caseSensitive?: boolean; lookAlikes?: boolean } = {}) =>
  matches(chatQuery({ words, match: 'all', caseSensitive: false, ...more }), { text })

/** Every code point that nobody sees, as the Unicode of this Node has them. */
const INVISIBLE = Array.from({ length: 0x110000 }, (_, code) => code)
  .filter((code) => code < 0xd800 || code > 0xdfff)
  .map((code) => String.fromCodePoint(code))
  .filter((character) => /[\p{DI}\ufff9-\ufffb]|[\p{Cc}--\s--\x85]/v.test(character))

describe('a character that nobody sees', () => {
  it.each([
    '\u00ad',
    '\u200b',
    '\u200c',
    '\u200d',
    '\u2060',
    '\ufeff',
    '\u034f',
    '\u202e',
    '\ufe0f',
    '\u3164',
    '\u{e0041}',
    '\0',
  ])('hides no word and makes no other of it: %j', (character) => {
    expect(finds('margin', `the mar${character}gin call`)).toBe(true)
    expect(finds(`mar${character}gin`, 'the margin call')).toBe(true)
    expect(finds('Margin', `the Mar${character}gin call`, { caseSensitive: true })).toBe(true)
  })

  it('changes nothing, whichever it is and wherever it stands', () => {
    expect(INVISIBLE.length).toBeGreaterThan(4_000)
    // Few of ours, and many of what a text may be.
    const letters = fc.oneof(
      fc.constantFrom('a', 'İ', 'e\u0301', 'ß', '한', '東', '👍', ' ', '-'),
      fc.string({ unit: 'grapheme', maxLength: 2 }),
    )
    const pieces = fc.array(letters, { maxLength: 8 })
    fc.assert(
      fc.property(pieces, fc.array(fc.constantFrom(...INVISIBLE), { minLength: 9, maxLength: 9 }), (text, hidden) => {
        const plain = text.join('').replace(/\p{DI}/gu, '')
        const strewn = [...plain].map((character, at) => character + hidden[at % hidden.length]).join('')
        expect(wordsOf(hidden[0] + strewn)).toEqual(wordsOf(plain))
        expect(exactWordsOf(hidden[0] + strewn)).toEqual(exactWordsOf(plain))
      }),
      { numRuns: 2_000 },
    )
  })

  it('alone is no word', () => {
    for (const character of INVISIBLE) expect(wordsOf(character)).toEqual([])
  })

  it('comes out of no normalisation', () => {
    const of = (code: number) =>
      String.fromCodePoint(code)
        .replace(/\p{DI}/gu, '')
        .normalize('NFKC')
    let seen = 0
    for (let code = 0; code < 0x110000; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      if (/\p{DI}/u.test(of(code))) expect.fail(`U+${code.toString(16)}`)
      seen += 1
    }
    expect(seen).toBeGreaterThan(1_000_000)
  })

  it('is not what parts words: spaces and line ends do', () => {
    for (const space of [' ', '\t', '\n', '\r', '\v', '\f', '\u0085', '\u00a0', '\u2028', '\u3000']) {
      expect(wordsOf(`mar${space}gin`)).toEqual(['mar', 'gin'])
      expect(wordsOf(`mär${space}gin`)).toEqual(['mär', 'gin'])
    }
  })
})

describe('case', () => {
  it.each([
    ['İSTANBUL', 'istanbul'],
    ['ISPARTA', 'ısparta'],
    ['ısparta', 'İsparta'],
    ['ẞ', 'ß'],
    ['STRASSE', 'straße'],
    ['ΣΊΣΥΦΟΣ', 'σίσυφος'],
    ['ǅ', 'ǆ'],
    ['ᾼ', 'ᾳ'],
    ['Ꮳ', 'ꮳ'],
    ['ŉ', 'ʼN'],
  ])('does not matter, both ways: %j and %j', (one, other) => {
    expect(finds(one, `the ${other} desk`)).toBe(true)
    expect(finds(other, `the ${one} desk`)).toBe(true)
  })

  it('of every letter is folded as Unicode says, and folding again changes nothing', () => {
    let folded = 0
    for (let code = 0; code < 0x110000; code += 1) {
      if (code >= 0xd800 && code <= 0xdfff) continue
      const letter = String.fromCodePoint(code)
      if (!/[\p{L}\p{M}\p{N}]/u.test(letter)) continue
      const fold = foldCase(letter)
      const others = [letter.toLowerCase(), letter.toUpperCase()].map(foldCase)
      if (others.some((other) => other !== fold) || foldCase(fold) !== fold) expect.fail(`U+${code.toString(16)}`)
      if (fold !== letter) folded += 1
    }
    expect(folded).toBeGreaterThan(1_400)
  })
})

describe('a look-alike', () => {
  it.each(['pаyroll', 'рауroll', 'РАУRОLL', 'pαyrοll', 'ｐаyroll', 'p\u200bаyroll'])(
    'is matched when asked for: %j',
    (text) => {
      expect(finds('payroll', `the ${text} desk`)).toBe(false)
      expect(finds('payroll', `the ${text} desk`, { lookAlikes: true })).toBe(true)
      expect(finds(text, 'the Payroll desk', { lookAlikes: true })).toBe(true)
    },
  )

  it('is never one ASCII letter of another: words in plain English are found as they are', () => {
    for (const [one, other] of [
      ['margin', 'rnargin'],
      ['10', 'lo'],
      ['bill', 'biil'],
      ['insider', 'lnsider'],
    ] as const) {
      expect(finds(one, other, { lookAlikes: true })).toBe(false)
    }
  })

  it('is the same as what it looks like: making a skeleton again changes nothing, and no match is lost', () => {
    const unit = fc.oneof(
      fc.constantFrom('а', 'a', 'æ', 'к', 'ӏ', 'ɡ', ' '),
      fc.string({ unit: 'grapheme', maxLength: 1 }),
    )
    const text = fc.array(unit, { maxLength: 12 }).map((parts) => parts.join(''))
    let matched = 0
    fc.assert(
      fc.property(text, text, (words, text) => {
        for (const word of wordsOf(text)) {
          expect(skeletonOf(skeletonOf(word))).toBe(skeletonOf(word))
          expect(foldCase(skeletonOf(word))).toBe(skeletonOf(word))
        }
        if (!finds(words, `${words} ${text}`)) return
        expect(finds(words, `${words} ${text}`, { lookAlikes: true })).toBe(true)
        matched += 1
      }),
      { numRuns: 500 },
    )
    expect(matched).toBeGreaterThan(100)
  })
})

it('a text of nothing but what has to be removed or folded is read in linear time', () => {
  const cost = (text: string) => {
    const before = process.threadCpuUsage()
    wordsOf(text)
    return process.threadCpuUsage(before).user
  }
  // CPU time of this thread, in microseconds: what else the machine does is not in it.
  for (const unit of ['\u200b', 'a\u00ad', 'İ', '\u0301', '\0', '\ufdfa', '\u3164', 'а']) {
    wordsOf(unit.repeat(1_000))
    expect(cost(unit.repeat(131_072))).toBeLessThan(2_000_000)
  }
})
