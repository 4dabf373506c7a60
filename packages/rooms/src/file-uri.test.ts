import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { fileUri, parseFileUri } from './file-uri.ts'

const ID = '3f6c1c62-8f1f-4c0a-9a55-0f6f0f6f0f6f'

describe('a file’s URI', () => {
  it('names the file, and is parsed, like the bare id', () => {
    expect(fileUri('example.com', ID)).toBe(`ma-filelink://example.com/${ID}`)
    expect([parseFileUri(fileUri('example.com', ID)), parseFileUri(ID)]).toEqual([ID, ID])
  })

  it('is no other text, however similar', () => {
    const like = fc.constantFrom(
      'ma-filelink://',
      'example.com',
      '/',
      ID,
      '..',
      '\n',
      '\0',
      '%2f',
      ID.toUpperCase(),
      ' ',
      '-',
    )
    const text = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(like, { maxLength: 5 }).map((parts) => parts.join('')),
    )
    fc.assert(
      fc.property(text, (uri) => {
        const id = parseFileUri(uri)
        if (id === undefined) return
        expect(id).toBe(ID)
        // Nothing but the characters of a domain is accepted in the place of the domain.
        const domain = uri === ID ? 'x' : uri.slice('ma-filelink://'.length, -ID.length - 1)
        expect(domain).toMatch(/^[a-z0-9.-]+$/)
        expect([ID, fileUri(domain, ID)]).toContain(uri)
      }),
      { numRuns: 20_000 },
    )
  })
})
