import fc from 'fast-check'
import { expect, it } from 'vitest'
import { EMOTICONS, textParts } from './parts.ts'

const GUID = '11111111-2222-4333-8444-555555555555'
const room = `ma-chan://example.com/${GUID}`
const file = `ma-filelink://example.com/${GUID}`
const shown = (text: string) => textParts(text).map((part) => [part.kind, part.text])

it('reproduces the text when its parts are joined, whatever the text', () => {
  const pieces = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.constantFrom(
      room,
      file,
      'https://x.example/a_(b)',
      'http://',
      ' ',
      '(',
      ')',
      '.',
      ...Object.values(EMOTICONS).flat(),
    ),
  )
  fc.assert(
    fc.property(fc.array(pieces), (typed) => {
      const text = typed.join('')
      const parts = textParts(text)
      expect(parts.map((part) => part.text).join('')).toBe(text)
      expect(parts.every((part) => part.text !== '')).toBe(true)
    }),
  )
})

it.each([
  ['see https://example.com/a?b=c#d.', 'https://example.com/a?b=c#d'],
  ['(https://en.example/wiki/Lot_(unit))', 'https://en.example/wiki/Lot_(unit)'],
  ['HTTP is not http://example.com, is it', 'http://example.com'],
  ['<http://example.com/>', 'http://example.com/'],
])('finds the address in %s', (text, address) => {
  expect(shown(text).filter(([kind]) => kind === 'hyperlink')).toEqual([['hyperlink', address]])
})

it('finds rooms and files by their URIs', () => {
  expect(shown(`in ${room}: ${file}!`)).toEqual([
    ['text', 'in '],
    ['room-link', room],
    ['text', ': '],
    ['file-link', file],
    ['text', '!'],
  ])
})

it('recognises eleven faces, each in every spelling', () => {
  expect(Object.keys(EMOTICONS)).toHaveLength(11)
  for (const [emoticon, typed] of Object.entries(EMOTICONS))
    for (const text of typed) expect(textParts(`so ${text}!`)[1]).toEqual({ kind: 'emoticon', text, emoticon })
})

it.each(['at 8:00', 'C:/temp', 'a list:)', 'javascript://x', 'xhttps://example.com', `${room}0`, 'ma-chan://x/y'])(
  'leaves %s as it is',
  (text) => {
    expect(shown(text)).toEqual([['text', text]])
  },
)

it('takes linear time for a text that is made to be slow', () => {
  for (const unit of ['(', 'https://(', ')', ':', 'ma-chan://a', 'http://x)'])
    for (const first of ['', 'https://x'])
      expect(textParts(first + unit.repeat(65_536 / unit.length)).length).toBeGreaterThan(0)
}, 2_000)
