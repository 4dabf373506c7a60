import { execFileSync } from 'node:child_process'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { contentDisposition, isStoredName, newFileId, safeFileName, storedNameOf } from './index.ts'

/** Fragments of known attacks on file names, joined with arbitrary characters. */
const hostile = fc
  .array(
    fc.oneof(
      { weight: 3, arbitrary: fc.string({ unit: 'binary', maxLength: 12 }) },
      fc.string({ unit: 'grapheme', maxLength: 12 }),
      fc.constantFrom(
        ...[
          '../',
          '..\\',
          '/',
          '\\',
          '.',
          '..',
          '...',
          ' ',
          '\u0000',
          '\r\n',
          '\n',
          '\t',
          '"',
          "'",
          '\\"',
          '%00',
          '%2e%2e%2f',
        ],
        ...[
          '\u202e',
          '\u2066',
          '\u200f',
          '\ufeff',
          '\u2028',
          '\u0085',
          '\u007f',
          '\ud800',
          '\udfff',
          '\u0301',
          'é',
          '👩‍🔬',
        ],
        ...[
          'CON',
          'nul',
          'com1',
          'LPT9',
          'aux.txt',
          'COM¹',
          'CONIN$',
          'c:',
          '::$DATA',
          '.exe',
          '.EXE',
          '.htaccess',
          '~',
          '*',
          '?',
          '|',
        ],
        ...[
          '\r\nSet-Cookie: a=b',
          '"; filename="evil.exe',
          "*=UTF-8''evil",
          ';',
          ',',
          '=',
          '<script>',
          '\uff0f',
          '\u2215',
        ],
      ),
      fc.nat({ max: 400 }).map((n) => 'x'.repeat(n)),
      fc.nat({ max: 200 }).map((n) => '字'.repeat(n)),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join(''))

const RUNS = { numRuns: 20_000 }

describe('a safe file name', () => {
  it('contains no path, control, formatting character or device, and fits, for any input', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const safe = safeFileName(name)
        expect(safe).not.toMatch(/[/\\<>:"|?*]|[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}]/u)
        expect(safe).not.toMatch(/^[. ]|[. ]$|^$/)
        expect(safe).not.toMatch(/^(con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])(\.|$)/i)
        expect(safe.isWellFormed()).toBe(true)
        expect(Buffer.byteLength(safe)).toBeLessThanOrEqual(255)
        expect(safeFileName(safe)).toBe(safe)
      }),
      RUNS,
    )
  })

  it.each([
    ['report.pdf', 'report.pdf'],
    ['Über uns – Grüße.docx', 'Über uns – Grüße.docx'],
    ['見積書.xlsx', '見積書.xlsx'],
    ['../../etc/passwd', 'passwd'],
    ['C:\\Windows\\system32\\cmd.exe', 'cmd.exe'],
    ['invoice\u202efdp.exe', 'invoicefdp.exe'],
    ['a\u0000.txt', 'a.txt'],
    ['nul.txt', '_nul.txt'],
    ['.htaccess', 'htaccess'],
    ['trick.exe. . .', 'trick.exe'],
    ['..', 'file'],
    ['', 'file'],
    ['\ud800', '\ufffd'],
    [`${'a'.repeat(65_536)}.pdf`, `${'a'.repeat(251)}.pdf`],
    [`${'字'.repeat(200)}.tar`, `${'字'.repeat(83)}.tar`],
  ])('of %j is %j', (name, safe) => {
    expect(safeFileName(name)).toBe(safe)
  })

  it('is computed quickly for any 64 KB', () => {
    // CPU time of this thread, in microseconds: other load on the machine does not count.
    const before = process.threadCpuUsage()
    for (const unit of [' ', '.', '/', '\u0301', '\u202e', '\ud800', 'a ', '.a']) safeFileName(unit.repeat(65_536))
    expect(process.threadCpuUsage(before).user).toBeLessThan(1_000_000)
  })
})

describe('the header of a download', () => {
  it('is one line of printable ASCII with `attachment` and exactly two names', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const header = contentDisposition(name)
        const parts = /^attachment; filename="([\x20-\x7e]*)"; filename\*=UTF-8''([A-Za-z0-9._~%-]+)$/.exec(header)
        expect(parts, header).not.toBeNull()
        expect(parts![1]).not.toMatch(/["\\%;]/)
        expect(decodeURIComponent(parts![2]!)).toBe(safeFileName(name))
      }),
      RUNS,
    )
  })

  it('is parsed as the safe name by an independent parser', () => {
    const names = fc.sample(hostile, { numRuns: 2_000, seed: 7 })
    const program = `
import sys, json
from email.message import Message
out = []
for header in json.load(sys.stdin):
    m = Message(); m['content-disposition'] = header
    out.append([m.get_content_disposition(), m.get_filename(), sorted(k for k, _ in m.get_params(header='content-disposition'))])
json.dump(out, sys.stdout)`
    const read = JSON.parse(
      execFileSync('python3', ['-c', program], { input: JSON.stringify(names.map(contentDisposition)) }).toString(),
    ) as [string, string, string[]][]
    read.forEach(([kind, name], index) => {
      expect(kind).toBe('attachment')
      expect([safeFileName(names[index]!), asciiOf(names[index]!)]).toContain(name)
    })
  })
})

/** The ASCII name, as a parser without RFC 8187 reads the header. */
function asciiOf(name: string): string {
  return /filename="([^"]*)"/.exec(contentDisposition(name))![1]!
}

describe('the stored name of a file', () => {
  it('is its guid and a plain extension, whatever its original name', () => {
    fc.assert(
      fc.property(hostile, (name) => {
        const id = newFileId()
        const stored = storedNameOf(id, name)
        expect(stored).toMatch(/^[0-9a-f-]{36}(\.[a-z0-9]{1,16})?$/)
        expect(stored.startsWith(id)).toBe(true)
        expect(isStoredName(stored)).toBe(true)
      }),
      RUNS,
    )
  })

  it.each([
    ['report.PDF', '.pdf'],
    ['archive.tar.gz', '.gz'],
    ['no extension', ''],
    ['.htaccess', ''],
    ['x.exe\u0000', ''],
    ['x.p/df', ''],
    ['x.é', ''],
    [`x.${'a'.repeat(17)}`, ''],
    ['x.txt\n', ''],
  ])('of %j ends in %j', (name, extension) => {
    const id = newFileId()
    expect(storedNameOf(id, name)).toBe(id + extension)
  })

  it.each(['../../x', '', 'A'.repeat(36), `${newFileId()}\n`, `${newFileId()}.txt/..`])('refuses %j', (id) => {
    expect(() => storedNameOf(id, 'a.txt')).toThrow('must be a guid')
  })
})
