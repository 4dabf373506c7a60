import { execFileSync } from 'node:child_process'
import { expect, it } from 'vitest'
import { stemOfExportFile } from './file-names.ts'
import {
  emptyCounts,
  encodeManifest,
  MANIFEST_FORMAT,
  type Manifest,
  manifestInterval,
  parseManifest,
  rangesOf,
} from './manifest.ts'

const manifest: Manifest = {
  format: MANIFEST_FORMAT,
  pool: 'fourth-coffee',
  adapter: {
    name: 'xml',
    type: 'xml',
    profile: 'strict-2013',
    version: '1',
    engine: 'libxslt 1.1',
    stylesheetSha256: 'a'.repeat(64),
  },
  options: { oneChatRoomPerOutputFile: false, addUserDetails: true, eventsPerFileMax: 10_000 },
  number: 1,
  kind: 'interval',
  interval: manifestInterval({ startsAt: Date.UTC(2026, 10, 20), endsAt: Date.UTC(2026, 10, 20, 0, 15) }),
  files: [],
  counts: emptyCounts(),
  omitted: {},
  sources: [
    {
      source: 'chat-1',
      epoch: 1,
      incarnation: '',
      state: 'alive',
      first: 0,
      last: 0,
      count: 0,
      headBefore: 'b'.repeat(64),
      head: 'b'.repeat(64),
      quarantined: [],
    },
  ],
  forks: [],
  previousManifestSha256: null,
}

it('writes the same bytes whatever the order of the members', () => {
  const reversed = Object.fromEntries(Object.entries(manifest).reverse()) as Manifest
  const options = Object.fromEntries(Object.entries(manifest.options).reverse())
  const counts = Object.fromEntries(Object.entries(manifest.counts).reverse()) as Manifest['counts']
  expect(encodeManifest({ ...reversed, options, counts })).toBe(encodeManifest(manifest))
  expect(parseManifest(encodeManifest(manifest))).toEqual({ outcome: 'parsed', manifest })
})

it('writes its members in the documented order', () => {
  expect(Object.keys(JSON.parse(encodeManifest(manifest)))).toEqual([
    'format',
    'pool',
    'adapter',
    'options',
    'number',
    'kind',
    'interval',
    'files',
    'counts',
    'omitted',
    'sources',
    'forks',
    'previousManifestSha256',
    'contentSha256',
  ])
})

it('ends with a hash of its own lines that a shell can check', () => {
  const text = encodeManifest(manifest)
  const byHand = execFileSync('sh', ['-c', 'head -n -2 | sha256sum'], { input: text, encoding: 'utf8' }).slice(0, 64)
  expect(text.trimEnd().split('\n').at(-2)).toBe(`  "contentSha256": "${byHand}"`)
})

it('reads and writes the first format unchanged: without changes and attachments files', () => {
  const counts = without(manifest.counts, 'change', ...SIGN_INS)
  const { forks: _forks, ...members } = manifest
  const sources = members.sources.map(({ incarnation: _none, ...source }) => source)
  const first = { ...members, sources, format: 'hansard-manifest/1' } as Manifest
  const text = encodeManifest(first)

  expect(JSON.parse(text).counts).toEqual(counts)
  expect(parseManifest(text)).toEqual({ outcome: 'parsed', manifest: first })
  expect(parseManifest(resealed(text, (lines) => lines.replace('"total"', '"change": 0,\n    "total"')))).toMatchObject(
    {
      outcome: 'altered',
    },
  )
  const file = { name: 'a.xml.ATTACH', role: 'attachments' as const, size: 1, sha256: 'c'.repeat(64), events: 0 }
  expect(parseManifest(encodeManifest({ ...first, files: [file] }))).toMatchObject({ outcome: 'altered' })
  expect(parseManifest(encodeManifest({ ...manifest, files: [file] }))).toMatchObject({ outcome: 'parsed' })
})

it('reads and writes the second format unchanged: without incarnations and forks', () => {
  const text = encodeManifest({ ...manifest, format: 'hansard-manifest/2' })
  expect(text).not.toMatch(/incarnation|forks/)
  expect(JSON.parse(text).counts).toEqual(without(manifest.counts, ...SIGN_INS))
  expect(parseManifest(text)).toMatchObject({ outcome: 'parsed' })
  const added = resealed(text, (lines) => lines.replace('"state"', '"incarnation": "",\n      "state"'))
  expect(parseManifest(added)).toMatchObject({ outcome: 'altered' })
})

it('detects every flipped bit', () => {
  const bytes = Buffer.from(encodeManifest(manifest))
  for (let bit = 0; bit < bytes.length * 8; bit++) {
    const flipped = Buffer.from(bytes)
    flipped[bit >> 3]! ^= 1 << (bit & 7)
    expect(parseManifest(flipped.toString('latin1')).outcome, `bit ${bit}`).toBe('altered')
  }
})

it('refuses to write an invalid manifest', () => {
  const file = { role: 'document' as const, size: 1, sha256: 'c'.repeat(64), events: 0 }
  for (const name of ['../x', 'a/b', '..', '.hidden', '', 'a\\b', 'a\nb'])
    expect(() => encodeManifest({ ...manifest, files: [{ ...file, name }] }), name).toThrow()
  expect(() => encodeManifest({ ...manifest, number: 0 })).toThrow()
})

it('distinguishes an unknown format from damage', () => {
  const text = encodeManifest(manifest).replace('manifest/3', 'manifest/9')
  expect(parseManifest(text)).toMatchObject({ outcome: 'altered' })
  expect(parseManifest(resealed(text, (lines) => lines))).toMatchObject({ outcome: 'unknown' })
})

const SIGN_INS = ['sign-in', 'sign-in-refused', 'assignment', 'sign-out', 'session-expired']
const without = (counts: object, ...kinds: string[]) =>
  Object.fromEntries(Object.entries(counts).filter(([kind]) => !kinds.includes(kind)))

/** A forged manifest whose last line is correct. */
function resealed(text: string, alter: (lines: string) => string): string {
  const lines = alter(text.split('\n').slice(0, -3).join('\n'))
  const digest = execFileSync('sha256sum', { input: `${lines}\n`, encoding: 'utf8' }).slice(0, 64)
  return `${lines}\n  "contentSha256": "${digest}"\n}\n`
}

it('recognises the files of an export by their names', () => {
  expect(stemOfExportFile('20261120T231500Z_20261120T233000.123Z-0001-desk.xml')).toBe(
    '20261120T231500Z_20261120T233000.123Z',
  )
  expect(stemOfExportFile('20261120T231500Z_20261120T233000Z_addendum-7.chain.txt')).toBe(
    '20261120T231500Z_20261120T233000Z_addendum-7',
  )
  expect(stemOfExportFile('picked-up-20261120T231500Z.txt')).toBeUndefined()
})

it('joins numbers into ranges', () => {
  expect(rangesOf([1, 2, 3, 7, 9, 10])).toEqual([
    [1, 3],
    [7, 7],
    [9, 10],
  ])
  expect(rangesOf([])).toEqual([])
})
