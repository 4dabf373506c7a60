import { expect, it } from 'vitest'
import { decodeText } from './decode-text.ts'

const bytes = (text: string, encoding: BufferEncoding = 'utf8') => Buffer.from(text, encoding)

it('decodes what is text, and drops a byte order mark', () => {
  expect(decodeText(bytes('\ufeffgröße € \u2028\n'), { what: 'x' })).toBe('größe € \u2028\n')
  expect(decodeText(bytes('jos\xe9', 'latin1'), { what: 'x', encoding: 'windows-1252' })).toBe('josé')
  expect(decodeText(bytes('\ufeffjosé', 'utf16le'), { what: 'x', encoding: 'utf-16le' })).toBe('josé')
})

it.each([
  ['Latin-1', bytes('one\ntwo jos\xe9\n', 'latin1'), 'x.log is not UTF-8: line 2, byte 11 (0xe9).'],
  ['a character cut off at the end', bytes('€').subarray(0, 2), 'x.log is not UTF-8: line 1, byte 0 (0xe2).'],
  ['an overlong form', Buffer.of(0x61, 0xc0, 0xaf), 'x.log is not UTF-8: line 1, byte 1 (0xc0).'],
  ['UTF-16 with its mark', bytes('\ufeffab', 'utf16le'), 'x.log is not UTF-8: line 1, byte 0 (0xff).'],
  ['UTF-16 without a mark', bytes('a\nb', 'utf16le'), 'x.log is not text in UTF-8: a zero, line 1, byte 1 (0x00).'],
])('refuses %s, and says where', (_, input, message) => {
  expect(() => decodeText(input, { what: 'x.log' })).toThrow(message)
})

it('finds the place in a large file without decoding it again and again', () => {
  const large = Buffer.alloc(4_000_000, 'line of a log\n')
  large[3_999_990] = 0xe9

  expect(() => decodeText(large, { what: 'x' })).toThrow('byte 3999990 (0xe9)')
})
