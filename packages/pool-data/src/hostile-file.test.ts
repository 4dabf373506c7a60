import { mkdtempSync } from 'node:fs'
import { readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DATA_LIMITS } from './data-format.ts'
import { fillPool } from './fill-pool-in-test.ts'
import { DataFileError, openDataFile } from './index.ts'
import { openPoolInTest, type PoolInTest } from './pool-in-test.ts'
import { alterZip, zipOf } from './zip-in-test.ts'

describe('a data file that differs from what was exported', () => {
  let directory: string
  let one: PoolInTest
  let two: PoolInTest
  let good: string
  let altered = 0
  beforeAll(async () => {
    directory = mkdtempSync(join(tmpdir(), 'hansard-hostile-'))
    good = join(directory, 'good.zip')
    one = await openPoolInTest('sqlite', 'one')
    two = await openPoolInTest('sqlite', 'two')
    await fillPool(one)
    await one.exportTo(good)
  })
  afterAll(async () => {
    await one?.close()
    await two?.close()
    await rm(directory, { recursive: true, force: true })
  })
  const next = () => join(directory, `altered-${++altered}.zip`)
  const edited = (edit: (entries: Map<string, string>) => void, options = {}) => alterZip(good, next(), edit, options)
  const bytes = async (content: Uint8Array) => {
    const path = next()
    await writeFile(path, content)
    return path
  }
  const replace = (name: string, change: (content: string) => string) => (entries: Map<string, string>) =>
    void entries.set(name, change(entries.get(name)!))
  const rooms = 'data/rooms.jsonl'
  /** Replaces names of equal length byte for byte, which no zip library would do. */
  const renamed = async (from: string, to: string) => {
    const content = (await readFile(good)).toString('latin1').replaceAll(from, to)
    return bytes(Buffer.from(content, 'latin1'))
  }

  it.each<[string, () => Promise<string>, RegExp]>([
    ['no zip', () => bytes(Buffer.from('hello')), /no zip file/],
    ['empty', () => bytes(Buffer.alloc(0)), /no zip file/],
    ['cut off', async () => bytes((await readFile(good)).subarray(0, -400)), /no zip file/],
    ['cut off at the front', async () => bytes((await readFile(good)).subarray(100)), /./],
    [
      'of another format',
      () => edited(replace('manifest.json', (text) => text.replace('data/2', 'data/3'))),
      /data\/3/,
    ],
    ['without a manifest', async () => bytes(await zipOf([['data/rooms.jsonl', '']])), /no about\.json/],
    [
      'altered in a text',
      () =>
        edited(
          replace(rooms, (t) => t.replace('prices', 'pricey')),
          { honest: false },
        ),
      /SHA-256/,
    ],
    [
      'longer than listed',
      () =>
        edited(
          replace(rooms, (t) => `${t}{}\n`),
          { honest: false },
        ),
      /bytes; manifest\.json says/,
    ],
    ['missing an entry', () => edited((all) => void all.delete(rooms), { honest: false }), /no data\/rooms\.jsonl/],
    [
      'with more than is listed',
      () => edited((all) => void all.set(`files/${crypto.randomUUID()}`, 'x')),
      /does not list/,
    ],
    ['with a name of its own', () => edited((all) => void all.set('readme.txt', 'x')), /readme\.txt/],
    ['with a name that climbs', () => renamed('data/rooms.jsonl', '../../../../etc/x'.slice(0, 16)), /./],
    ['with an absolute name', () => renamed('data/rooms.jsonl', '/etc/passwd/zzzz'), /./],
    ['with a name of a drive', () => renamed('data/rooms.jsonl', 'C:\\rooms\\jsonl..'), /./],
    [
      'not UTF-8',
      () => edited(replace(rooms, (t) => t.replace('prices', '\xff\xfe'))),
      /rooms\.jsonl, line \d: not UTF-8/,
    ],
    ['not JSON', () => edited(replace(rooms, (t) => t.replace('{', '['))), /line 1: not JSON/],
    ['cut off in a line', () => edited(replace(rooms, (t) => t.slice(0, -1))), /does not end/],
    ['with a line twice', () => edited(replace(rooms, (t) => t + t)), /not in order, or one is there twice/],
    ['with a member nobody knows', () => edited(replace(rooms, (t) => t.replace('"name"', '"nome"'))), /line 1: /],
    [
      'with a role nobody knows',
      () => edited(replace('data/room-roles.jsonl', (t) => t.replace('"member"', '"owner"'))),
      /role/,
    ],
    [
      'with a list of nobody',
      () => edited(replace('data/room-roles.jsonl', (t) => t.replaceAll('ma-chan', 'a-chan'))),
      /not in data\/rooms/,
    ],
    [
      'with an id beyond all',
      () => edited(replace(rooms, (t) => t.replace(/"lastChatId":\d+/, '"lastChatId":9e15'))),
      /lastChatId/,
    ],
  ])('is refused when it is %s, and nothing is imported', async (_, make, words) => {
    const path = await make()
    const before = await counts(two)

    const error = await two.importFrom(path).catch((thrown: unknown) => thrown)

    expect(error).toBeInstanceOf(DataFileError)
    expect((error as Error).message).toMatch(words)
    expect(await counts(two)).toEqual(before)
    expect(await two.events()).toEqual([])
  })

  it('with any byte altered, or truncated anywhere, is refused with a message or has the exported content', async () => {
    const whole = await readFile(good)
    const check = async (content: Uint8Array) => {
      const path = await bytes(content)
      try {
        const file = await openDataFile(path)
        await file.check().finally(() => file.close())
        return 'whole'
      } catch (error) {
        if (!(error instanceof DataFileError)) throw error
        return 'refused'
      } finally {
        await rm(path)
      }
    }
    const found = { whole: 0, refused: 0 }
    for (let n = 0; n < 400; n += 1) {
      const altered = Buffer.from(whole)
      // Positions spread over the file, and densely over its central directory, which readers trust most.
      const at = n % 2 === 0 ? Math.floor((n / 400) * whole.length) : whole.length - 1 - ((n * 7) % 1_500)
      altered[at] = altered[at]! ^ (1 << (n % 8))
      found[await check(altered)] += 1
    }
    for (let n = 1; n < 40; n += 1)
      expect(await check(whole.subarray(0, Math.floor((whole.length * n) / 40)))).toBe('refused')
    expect(found.refused).toBeGreaterThan(200)
  })

  it('is refused when it has two entries of one name', async () => {
    const entries: [string, string][] = [
      ['about.json', 'x'],
      ['about.json', 'y'],
    ]
    await expect(openDataFile(await bytes(await zipOf(entries)))).rejects.toThrow(/two entries "about\.json"/)
  })

  it('is refused for a line above the limit, without buffering it', async () => {
    const long = await edited(replace(rooms, (text) => text.replace('prices', 'x'.repeat(DATA_LIMITS.lineBytes))))
    await expect(two.importFrom(long)).rejects.toThrow(/longer than 8388608 bytes/)
  })

  it('is refused before unpacking when it would be too large', async () => {
    const bomb = await edited(replace(rooms, () => `${' '.repeat(50_000_000)}\n`))
    expect((await readFile(bomb)).length).toBeLessThan(200_000)

    await expect(openDataFile(bomb, { ...DATA_LIMITS, totalBytes: 10_000_000 })).rejects.toThrow(
      /more than 10000000 bytes/,
    )
    await expect(openDataFile(good, { ...DATA_LIMITS, entries: 3 })).rejects.toThrow(/3 are the most/)
    await expect(openDataFile(good, { ...DATA_LIMITS, manifestBytes: 10 })).rejects.toThrow(/larger than 10 bytes/)
  })
})

async function counts({ db }: PoolInTest): Promise<number[]> {
  const tables = ['principal', 'category', 'room', 'chat', 'import_progress']
  return Promise.all(tables.map(async (table) => (await db.knex(table)).length))
}
