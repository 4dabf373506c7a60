import { execFileSync } from 'node:child_process'
import { hash } from 'node:crypto'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { exportSeries, forge, type SealedExport } from './exports-in-test.ts'
import { describeReport } from './verify.ts'
import { verifyWithBoth } from './verify-in-test.ts'

const PYTHON = fileURLToPath(new URL('../../../../docs/verify.py', import.meta.url))

let temporary: string
let sound: string
let sealed: SealedExport[]

/** Quiet and busy intervals, a quarantined number and the addendum that brings it, in both series. */
beforeAll(async () => {
  temporary = await mkdtemp(join(tmpdir(), 'hansard-record-'))
  sound = join(temporary, 'sound')
  for (const record of [false, true]) {
    const series = await exportSeries(join(sound, record ? 'record' : 'xml'), { record })
    await series.interval({ 'chat é/1': { through: 6 }, [`chat-1/1/${'a'.repeat(32)}`]: { through: 3 } })
    const through = { [`chat-1/1/${'a'.repeat(32)}`]: { through: 3 } }
    await series.interval({ 'chat é/1': { through: 12, quarantined: [8, 9] }, ...through })
    await series.addendum({ 'chat é/1': [8] }, { of: 2 })
    await series.interval({ 'chat é/1': { through: 12 }, ...through })
    sealed = series.sealed
  }
})
afterAll(() => rm(temporary, { recursive: true }))

let copies = 0
async function copyOf(directory: string): Promise<string> {
  const copy = join(temporary, `copy-${++copies}`)
  await cp(directory, copy, { recursive: true })
  return copy
}

/** Changes a document of the record series and makes manifest, hashes and links agree with it again. */
async function forged(index: number, change: (lines: string[]) => string[] | Buffer, pack = gzipSync): Promise<string> {
  const directory = await copyOf(sound)
  const record = join(directory, 'record')
  const name = sealed[index]!.documents[0]!
  const changed = change(
    gunzipSync(await readFile(join(record, name)))
      .toString('utf8')
      .split('\n')
      .slice(0, -1),
  )
  const bytes = Array.isArray(changed) ? pack(changed.map((line) => `${line}\n`).join('')) : changed
  await writeFile(join(record, name), bytes)
  let previous: string | null = null
  for (const [at, { manifest: file }] of sealed.entries()) {
    await forge(join(record, file), (manifest) => {
      manifest.previousManifestSha256 = previous
      const listed = manifest.files.find((each) => each.name === name)
      if (at === index) Object.assign(listed!, { size: bytes.length, sha256: hash('sha256', bytes, 'hex') })
    })
    previous = hash('sha256', await readFile(join(record, file)), 'hex')
  }
  return directory
}

describe('the record series', () => {
  it('gives every leaf again from its text, and every other series is compared with it', async () => {
    const report = await verifyWithBoth(sound)

    expect(report).toMatchObject({ outcome: 'good', findings: [] })
    expect(report.series).toMatchObject([
      { series: 'record', events: 14, texts: 14, record: null },
      { series: 'xml', events: 14, texts: null, record: { compared: 4, notInRecord: 0 } },
    ])
    const said = [
      'texts     14 texts, each with the hash',
      'record    the same events as the record series in 4 exports',
    ]
    const theirs = execFileSync('python3', [PYTHON, sound], { encoding: 'utf8' })
    for (const text of [describeReport(report), theirs]) for (const each of said) expect(text).toContain(each)
  })

  it.each<[string, Parameters<typeof forged>[1], string]>([
    [
      'a text with another word',
      (lines) => lines.with(1, lines[1]!.replace('chat', 'CHAT')),
      'the text of chat é/1/2 does not have the hash that its chain has (line 2)',
    ],
    ['a text that is removed', (lines) => lines.toSpliced(1, 1), 'the text of chat é/1/2 is due, that of chat é/1/3'],
    ['a text that stands twice', (lines) => lines.toSpliced(1, 0, lines[0]!), 'chat é/1/2 is due, that of chat é/1/1'],
    ['two texts that changed places', ([a, b, ...c]) => [b!, a!, ...c], 'chat é/1/1 is due, that of chat é/1/2'],
    ['a text that is no event', (lines) => lines.with(0, 'hello'), 'the text of chat é/1/1 does not have the hash'],
    ['the last text removed', (lines) => lines.slice(0, -1), 'has 3 texts, its manifest says 4'],
    ['all texts removed', () => [], 'has 0 texts, its manifest says 4'],
    ['a file that is no gzip', () => Buffer.from('{"kind":"chat"}\n'), 'cannot be decompressed'],
    ['an empty file', () => Buffer.alloc(0), 'cannot be decompressed'],
    ['half a file', (lines) => gzipSync(`${lines.join('\n')}\n`).subarray(0, -9), 'cannot be decompressed'],
    [
      'bytes behind the texts',
      (lines) => Buffer.concat([gzipSync(`${lines.join('\n')}\n`), Buffer.from('hidden')]),
      'cannot be decompressed',
    ],
    ['an end within a line', (lines) => gzipSync(lines.join('\n')), 'ends within a line'],
  ])('shows %s, although every hash was computed again', async (_, change, message) => {
    const report = await verifyWithBoth(await forged(0, change))

    expect(report).toMatchObject({ outcome: 'broken', exitCode: 1 })
    expect(report.findings).toEqual([
      expect.objectContaining({
        series: 'record',
        what: 'record-text',
        export: 1,
        message: expect.stringContaining(message),
      }),
    ])
  })

  it('reads files in several gzip members, as the worker writes them', async () => {
    const members = (text: string) => Buffer.concat(text.split(/(?<=\n)/).map((line) => gzipSync(line)))
    const directory = await forged(0, (lines) => members(`${lines.join('\n')}\n`))
    expect(await verifyWithBoth(directory)).toMatchObject({ outcome: 'good' })
  })

  it('shows a manifest that counts other kinds than its texts are, in its own series and in another', async () => {
    const directory = await copyOf(sound)
    for (const series of ['record', 'xml']) await forge(join(directory, series, sealed[3]!.manifest), () => {})
    await forge(join(directory, 'xml', sealed[0]!.manifest), ({ counts }) => {
      Object.assign(counts, { chat: counts.chat - 1, part: 1 })
    })
    await forge(join(directory, 'record', sealed[2]!.manifest), ({ counts }) => {
      Object.assign(counts, { chat: counts.chat - 1, part: 1 })
    })
    const { findings } = await verifyWithBoth(directory)
    expect(findings.filter(({ what }) => what.startsWith('record'))).toEqual([
      expect.objectContaining({
        series: 'record',
        export: 3,
        message: 'its texts are 1 events of kind chat, it counts 0',
      }),
      expect.objectContaining({
        series: 'record',
        export: 3,
        message: 'its texts are 0 events of kind part, it counts 1',
      }),
      expect.objectContaining({
        what: 'record-differs',
        series: 'xml',
        export: 1,
        message: expect.stringContaining('counts other events'),
      }),
      expect.objectContaining({ what: 'record-differs', series: 'xml', export: 3 }),
    ])
  })

  it('shows another series that has other events in an interval, or in an addendum', async () => {
    const other = join(temporary, 'other')
    await cp(join(sound, 'record'), join(other, 'record'), { recursive: true })
    const series = await exportSeries(join(other, 'xml'))
    await series.interval({ 'chat é/1': { through: 5 }, [`chat-1/1/${'a'.repeat(32)}`]: { through: 3 } })
    const through = { [`chat-1/1/${'a'.repeat(32)}`]: { through: 3 } }
    await series.interval({ 'chat é/1': { through: 12, quarantined: [8, 9] }, ...through })
    await series.addendum({ 'chat é/1': [9] }, { of: 2 })
    await series.interval({ 'chat é/1': { through: 12 }, ...through })

    const { findings } = await verifyWithBoth(other)
    expect(findings.map(({ what, series: at, export: number }) => [what, at, number])).toEqual([
      ['record-differs', 'xml', 1],
      ['record-differs', 'xml', 2],
      ['record-differs', 'xml', 3],
    ])
  })

  it('says which exports are not in the record series', async () => {
    const directory = await copyOf(sound)
    const younger = join(temporary, 'younger')
    const series = await exportSeries(join(younger, 'record'), { record: true })
    series.startsAfter('chat é/1', 12)
    series.skipNumbers(3)
    await cp(join(directory, 'xml'), join(younger, 'xml'), { recursive: true })
    await series.interval({ 'chat é/1': { through: 13 } })

    const report = await verifyWithBoth(younger)
    expect(report.series).toMatchObject([{ texts: 1 }, { record: { compared: 0, notInRecord: 4 } }])
    expect(describeReport(report)).toContain('; 4 exports not in the record series')
  })
})
