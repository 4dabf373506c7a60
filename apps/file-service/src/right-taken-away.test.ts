import { request } from 'node:http'
import type { FileStore } from '@hansard/file-store'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import {
  type Answer,
  type FilesInTest,
  type Issued,
  send,
  startFilesInTest,
  startScannerInTest,
} from './files-in-test.ts'

const CONTENT = Buffer.from('the minutes of the meeting, as a file')
const INFECTED = Buffer.from('the minutes of the meeting, an EICAR.')
const SIZE = CONTENT.length
const NEVER = 'x'.repeat(43)

const at = (offset: number) => ({ 'upload-offset': String(offset) })
const digest = { 'repr-digest': `sha-256=:${Buffer.alloc(32).toString('base64')}:` }

/** Every way to query an upload, and the answer that would reveal its state. */
const USES = {
  'asks where it stands': (issued) => send('HEAD', issued.url, issued),
  'goes on half way': (issued) =>
    send('PATCH', issued.url, { ...issued, body: CONTENT.subarray(10, 12), headers: at(10) }),
  'goes on at a wrong place': (issued) => send('PATCH', issued.url, { ...issued, body: CONTENT, headers: at(3) }),
  'begins again': (issued) => send('PUT', issued.url, { ...issued, body: CONTENT }),
  'sends too much': (issued) => send('PUT', issued.url, { ...issued, body: Buffer.alloc(SIZE + 1) }),
  'sends what it does not mean': (issued) => send('PUT', issued.url, { ...issued, body: CONTENT, headers: digest }),
  'completes once more': (issued) => send('PUT', issued.url, { ...issued, body: Buffer.alloc(0), headers: at(SIZE) }),
} satisfies Record<string, (issued: Issued) => Promise<Answer>>

const STATES = ['fresh', 'half way', 'complete', 'infected'] as const

const set = (table: string, by: (pool: FilesInTest) => object, change: object) => async (pool: FilesInTest) =>
  void (await pool.db.knex(table).where(by(pool)).update(change))
const room = (change: object) => set('room', ({ roomId }) => ({ id: roomId }), change)
const REASONS: readonly (readonly [string, (pool: FilesInTest) => Promise<unknown>])[] = [
  ['was removed from the room', (pool) => pool.removeFromRoom(pool.alice)],
  [
    'is denied by the category',
    ({ db, categoryId, alice }) =>
      db.knex('category_scope').insert({ category_id: categoryId, principal_id: alice.id, list: 'denied' }),
  ],
  ['may not because the room is disabled', room({ disabled: true })],
  ['may not because the room is deleted', room({ deleted_at: 1 })],
  [
    'may not because the category takes no files any more',
    set('category', ({ categoryId }) => ({ id: categoryId }), { file_upload: false }),
  ],
  ['has a disabled account', set('principal', ({ alice }) => ({ id: alice.id }), { disabled: true })],
  [
    'is let nowhere by the policy',
    ({ db }) => db.knex('policy').insert({ identity: 'global', description: '', enabled: false }),
  ],
]

describe.each(['sqlite', 'postgres'] as const)('a caller that lost the right to upload, on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let pool: FilesInTest
  let stopScanner = async () => {}
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  afterEach(async () => {
    await pool?.close()
    await stopScanner()
  })

  /** One upload in each state, at a service that scans. */
  async function startUploads(): Promise<Record<(typeof STATES)[number], Issued>> {
    pool = await startFilesInTest(server)
    const { scanner, stop } = await startScannerInTest(pool.clock)
    stopScanner = stop
    const { origin } = await pool.startAnother({ name: 'files-2', scanner })
    const begin = async (body: Uint8Array | undefined, status: number | undefined) => {
      const issued = await pool.upload(pool.alice, { size: SIZE })
      const upload = { ...issued, url: issued.url.replace(pool.origin, origin) }
      if (body) expect(await send('PUT', upload.url, { ...upload, body })).toMatchObject({ status })
      return upload
    }
    return {
      fresh: await begin(undefined, undefined),
      'half way': await begin(CONTENT.subarray(0, 10), 202),
      complete: await begin(CONTENT, 201),
      infected: await begin(INFECTED, 422),
    }
  }

  it.each(REASONS)(
    'and %s is told what a token that never was is told, whatever became of the upload',
    async (_, take) => {
      const uploads = await startUploads()
      const before = await pool.events()
      await take(pool)

      let statements = 0
      pool.db.knex.on('query', () => {
        statements += 1
      })
      const work = new Map<string, Set<number>>()
      for (const [use, ask] of Object.entries(USES)) {
        const never = shown(await ask({ ...uploads.fresh, token: NEVER }))
        expect(never.status).toBe(404)
        for (const state of STATES) {
          statements = 0
          expect({ use, state, ...shown(await ask(uploads[state])) }).toEqual({ use, state, ...never })
          work.set(use, (work.get(use) ?? new Set()).add(statements))
        }
      }
      // An unknown token costs less than a known one, but the work does not reveal the state of an upload either.
      expect([...work.values()].map((counts) => counts.size)).toEqual(Object.keys(USES).map(() => 1))
      expect(await pool.events()).toEqual(before)
    },
  )

  it('is refused before the server requests the bytes', async () => {
    const uploads = await startUploads()
    await pool.removeFromRoom(pool.alice)
    for (const state of STATES) {
      const sending = request(uploads[state].url, {
        method: 'PATCH',
        headers: { authorization: `Bearer ${uploads[state].token}`, 'content-length': '27', ...at(10) },
      })
      sending.on('error', () => {})
      const answered = new Promise<number>((resolve) =>
        sending.on('response', ({ statusCode }) => resolve(statusCode!)),
      )
      sending.flushHeaders()
      expect(await answered).toBe(404)
      sending.destroy()
    }
  })

  it.each([
    ['the piece is whole', (rest: Buffer) => rest],
    ['more came than was announced', () => Buffer.alloc(SIZE)],
    ['the scanner found something', () => INFECTED.subarray(10)],
    ['a store is away', (rest: Buffer) => Buffer.concat([rest, Buffer.alloc(SIZE - 10 - rest.length)])],
  ] as const)('while the bytes were coming is told nothing of them, when %s', async (_, restOf) => {
    const arrived = Promise.withResolvers<void>()
    const telling = (files: FileStore): FileStore => ({
      ...files,
      async receive(id, content, options) {
        async function* told() {
          for await (const piece of content) {
            yield piece
            arrived.resolve()
          }
        }
        return files.receive(id, told(), options)
      },
    })
    pool = await startFilesInTest(server)
    const { scanner, stop } = await startScannerInTest(pool.clock)
    stopScanner = stop
    const { origin } = await pool.startAnother({
      ...{ name: 'files-2', scanner },
      wrap: ({ files, complianceFiles }) => ({
        files: telling(files),
        complianceFiles: { ...complianceFiles, place: () => Promise.reject(new Error('The share is away.')) },
      }),
    })
    const issued = await pool.upload(pool.alice, { size: SIZE })
    const url = issued.url.replace(pool.origin, origin)
    const rest = restOf(CONTENT.subarray(10, 30))
    const sending = request(url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${issued.token}`, 'transfer-encoding': 'chunked' },
    })
    const answered = new Promise<number>((resolve) => sending.on('response', ({ statusCode }) => resolve(statusCode!)))
    sending.write(CONTENT.subarray(0, 10))
    await arrived.promise
    await pool.removeFromRoom(pool.alice)
    sending.end(rest)

    expect(await answered).toBe(404)
  })
})

/** Everything a client sees of an answer except the date. */
function shown({ status, headers: { date: _, ...headers }, body }: Answer) {
  return { status, headers, body: body.toString() }
}
