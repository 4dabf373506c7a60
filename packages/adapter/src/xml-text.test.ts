import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { elementsByPython, wellFormednessProblem } from './oracles.ts'
import { visibleText } from './xml-text.ts'
import { openXmlWriter } from './xml-writer.ts'

/** Any sequence of UTF-16 units, lone surrogates and controls included, with the awkward ones often. */
const anyText = fc.string({
  unit: fc.oneof(
    fc.constantFrom(
      '\u0000',
      '\u0001',
      '\u001f',
      '\t',
      '\n',
      '\r',
      '\r\n',
      '\u007f',
      '\u0085',
      '\u2028',
      '\ufffe',
      '\uffff',
    ),
    fc.constantFrom(
      '\ud800',
      '\udfff',
      '\ud83d\ude00',
      '\u202e',
      ']]>',
      '<!--',
      '&amp;',
      '&#10;',
      '"',
      "'",
      '<',
      '>',
      '&',
      ' ',
    ),
    fc.integer({ min: 0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
    fc.string({ unit: 'binary' }),
  ),
  maxLength: 60,
})

function documentOf(texts: readonly string[]): Uint8Array {
  const writer = openXmlWriter()
  writer.open('all')
  for (const text of texts) writer.empty('one', [['text', text]])
  writer.close()
  return writer.finish()
}

describe('text in XML', () => {
  it('represents a forbidden control character by its control picture', () => {
    expect(visibleText('a\u0001b\u0000c\u001bd\u001f')).toBe('a\u2401b\u2400c\u241bd\u241f')
  })

  it('represents lone surrogates and the two non-characters by U+FFFD', () => {
    expect(visibleText('\ud83d|\ude00|\ufffe|\uffff')).toBe('\ufffd|\ufffd|\ufffd|\ufffd')
  })

  it('preserves everything XML 1.0 allows', () => {
    const allowed = '\t\n\r \u007f\u0080\u0085\u009f\u2028\u202e\ud7ff\ue000\ufffd\u{1f600}\u{1ffff}\u{10ffff}'
    expect(visibleText(allowed)).toBe(allowed)
  })

  it('changes a text only where necessary, and idempotently', () => {
    fc.assert(
      fc.property(anyText, (text) => {
        const visible = visibleText(text)
        expect(visible.length).toBe(text.length)
        expect(visibleText(visible)).toBe(visible)
      }),
    )
  })

  it('preserves any text through another parser, line breaks and tabs included', () => {
    fc.assert(
      fc.property(fc.array(anyText, { minLength: 200, maxLength: 200 }), (texts) => {
        const xml = documentOf(texts)
        expect(wellFormednessProblem(xml)).toBeUndefined()
        const read = elementsByPython(xml).slice(1)
        expect(read).toEqual(texts.map((text) => ['one', { text: visibleText(text) }]))
      }),
      { numRuns: 6 },
    )
  }, 60_000)
})
