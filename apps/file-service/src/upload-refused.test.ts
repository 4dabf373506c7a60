import { request } from 'node:http'
import { findFile } from '@hansard/pool-store'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { FILE_SERVICE_DEFAULTS } from './config.ts'
import { type FilesInTest, type Issued, type StartOptions, send, startFilesInTest } from './files-in-test.ts'

const CONTENT = Buffer.from('the minutes of the meeting, as a file')

describe.each(['sqlite', 'postgres'] as const)('an upload that is refused, on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let pool: FilesInTest
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  afterEach(() => pool?.close())
  const start = async (options?: StartOptions) => {
    pool = await startFilesInTest(server, options)
    return pool
  }
  const put = (issued: Issued, body: Uint8Array, headers: Record<string, string> = {}, chunked = false) =>
    send('PUT', issued.url, { token: issued.token, body, headers, chunked })
  const at = (offset: number) => ({ 'upload-offset': String(offset) })

  it.each(['before it begins', 'while it runs'])(
    'is nothing when its owner is removed %s, and leaves nothing',
    async (when) => {
      await start()
      const issued = await pool.upload(pool.alice, { size: CONTENT.length })
      await put(issued, CONTENT.subarray(0, 10))
      if (when === 'while it runs') {
        const running = request(issued.url, {
          method: 'PATCH',
          headers: { authorization: `Bearer ${issued.token}`, 'content-length': '27', ...at(10) },
        })
        const answered = new Promise<number>((resolve) =>
          running.on('response', (response) => resolve(response.statusCode!)),
        )
        running.write(CONTENT.subarray(10, 20))
        await expect.poll(async () => (await send('HEAD', issued.url, issued)).headers['upload-offset']).toBe('20')
        await pool.removeFromRoom(pool.alice)
        running.end(CONTENT.subarray(20))
        expect(await answered).toBe(404)
      } else {
        await pool.removeFromRoom(pool.alice)
        expect(await put(issued, CONTENT.subarray(10), at(10))).toMatchObject({
          status: 404,
          json: { error: 'no-such-file' },
        })
      }
      expect(await pool.events()).toEqual([])

      pool.clock.advance({ hours: 3 })
      await pool.service.sweep()
      expect((await findFile(pool.db.knex, issued.fileId))?.state).toBe('expired')
      pool.clock.advance({ hours: 3 })
      await pool.service.sweep()
      expect([...(await pool.filesIn('files')), ...(await pool.filesIn('compliance-files'))]).toEqual([])
    },
  )

  it('is not swept away if it began before its token expired, and completes', async () => {
    const { transferMs } = FILE_SERVICE_DEFAULTS
    await start({ config: { idleMs: transferMs } })
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const never = await pool.upload(pool.alice, { size: 3 })
    const stateOf = async ({ fileId }: Issued) => (await findFile(pool.db.knex, fileId))!.state
    pool.clock.advance({ ms: issued.expiresAt - 1 - pool.clock.now() })
    const running = request(issued.url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${issued.token}`, 'content-length': `${CONTENT.length}` },
    })
    const answered = new Promise<number>((resolve) =>
      running.on('response', (response) => resolve(response.statusCode!)),
    )
    running.write(CONTENT.subarray(0, 20))
    await expect.poll(async () => (await send('HEAD', issued.url, issued)).headers['upload-offset']).toBe('20')

    pool.clock.advance({ ms: transferMs - 1 })
    await pool.service.sweep()
    expect([await stateOf(issued), await stateOf(never)]).toEqual(['uploading', 'uploading'])
    running.end(CONTENT.subarray(20))

    expect(await answered).toBe(201)
    expect((await pool.events()).map(({ kind }) => kind)).toEqual(['file-upload'])
    // A client that could still be sending the other one has been cut off by then.
    pool.clock.advance({ ms: transferMs + 3 })
    await pool.service.sweep()
    expect([await stateOf(issued), await stateOf(never)]).toEqual(['kept', 'expired'])
  })

  it.each([
    ['to a category that takes no files', { category: { file_upload: false } }],
    ['of somebody denied', { deny: true }],
    ['to a disabled room', { room: { disabled: true } }],
    ['to a deleted room', { room: { deleted_at: 1 } }],
    ['to an auditorium by a listener', { room: { type: 'auditorium' } }],
    ['of a disabled account', { principal: { disabled: true } }],
  ] as const)('%s is refused, in the words for a token that never was', async (_, change) => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const { knex } = pool.db
    if ('category' in change) await knex('category').where({ id: pool.categoryId }).update(change.category)
    if ('room' in change) await knex('room').where({ id: pool.roomId }).update(change.room)
    if ('principal' in change) await knex('principal').where({ id: pool.alice.id }).update(change.principal)
    if ('deny' in change)
      await knex('category_scope').insert({ category_id: pool.categoryId, principal_id: pool.alice.id, list: 'denied' })
    const never = await put({ ...issued, token: 'x'.repeat(43) }, CONTENT)
    const refused = await put(issued, CONTENT)
    expect(refused.status).toBe(404)
    expect(refused.body).toEqual(never.body)
    expect(await send('HEAD', issued.url, issued)).toMatchObject({ status: 404 })
    expect(await pool.events()).toEqual([])
  })

  it('completes after the step that failed, with one event', async () => {
    let failing = true
    await start({
      wrap: ({ files, complianceFiles }) => ({
        files,
        complianceFiles: {
          ...complianceFiles,
          async place(...args) {
            if (failing) throw Object.assign(new Error('the share is away'), { code: 'ESTALE' })
            return complianceFiles.place(...args)
          },
        },
      }),
    })
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const answer = await put(issued, CONTENT)
    expect(answer).toMatchObject({ status: 503, json: { error: 'try-again' }, headers: { 'retry-after': '2' } })
    expect(await pool.events()).toEqual([])
    failing = false
    expect(await put(issued, Buffer.alloc(0), at(CONTENT.length))).toMatchObject({ status: 201 })
    expect(await pool.events()).toHaveLength(1)
  })

  it('is refused by a service that a successor has fenced, and completed by the successor', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const successor = await pool.startAnother({ name: 'files-1' })
    expect(await put(issued, CONTENT)).toMatchObject({ status: 503, json: { error: 'try-again' } })
    expect(await pool.service.fenced).toBeInstanceOf(Error)
    const elsewhere = { ...issued, url: issued.url.replace(pool.origin, successor.origin) }
    expect(await put(elsewhere, Buffer.alloc(0), at(CONTENT.length))).toMatchObject({ status: 201 })
    expect(await pool.events()).toMatchObject([{ source: 'files-1', epoch: 2, seq: 1 }])
  })
})
