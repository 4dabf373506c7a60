import { once } from 'node:events'
import { rm } from 'node:fs/promises'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FilesInTest, type Issued, send, sha256Of, startFilesInTest } from './files-in-test.ts'

const CONTENT = Buffer.from('0123456789')
const ETAG = `"${sha256Of(CONTENT)}"`

describe.each(['sqlite', 'postgres'] as const)('a download on %s', (dialect) => {
  let server: SharedPostgres | undefined
  let pool: FilesInTest
  let fileId: string
  let issued: Issued
  beforeAll(async () => {
    if (dialect === 'postgres') server = await sharePostgres()
  })
  afterAll(() => server?.stop())
  afterEach(() => pool?.close())

  const start = async (content: Uint8Array = CONTENT, name = 'a.txt') => {
    pool = await startFilesInTest(server)
    fileId = await pool.put(content, name)
    issued = await pool.download(pool.bob, fileId)
  }
  const get = (headers: Record<string, string> = {}, token = issued.token) =>
    send('GET', issued.url, { token, headers })
  const getByUrl = (headers: Record<string, string> = {}) =>
    send('GET', `${pool.origin}/files/d/${issued.token}`, { headers })
  const downloads = async () => (await pool.events()).filter(({ kind }) => kind === 'file-download')

  it('has headers that make a browser save it and neither show nor run it', async () => {
    const page = Buffer.from('<script>alert(document.domain)</script>')
    await start(page, 'pay "slip";\r\nSet-Cookie: x=y–.html')
    const answer = await get()

    expect(answer).toMatchObject({ status: 200, body: page })
    expect(answer.headers).toMatchObject({
      'content-type': 'application/octet-stream',
      'content-disposition':
        'attachment; filename="pay _slip__Set-Cookie_ x=y_.html"; ' +
        "filename*=UTF-8''pay%20_slip_%3BSet-Cookie_%20x%3Dy%E2%80%93.html",
      'content-length': String(page.length),
      'x-content-type-options': 'nosniff',
      'content-security-policy': "default-src 'none'; sandbox",
      'cache-control': 'private, no-store',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'accept-ranges': 'bytes',
      etag: `"${sha256Of(page)}"`,
      'repr-digest': `sha-256=:${Buffer.from(sha256Of(page), 'hex').toString('base64')}:`,
    })
    expect(
      Object.keys(answer.headers).filter((name) => name.startsWith('access-control') || name === 'set-cookie'),
    ).toEqual([])
  })

  it('is on record, with user and file, before the first byte is sent', async () => {
    await start()
    const sent = request(issued.url, { headers: { authorization: `Bearer ${issued.token}` } }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    expect(await downloads()).toMatchObject([
      {
        principal: { uri: pool.bob.uri },
        room: { name: 'desk', seq: 2 },
        ...{ storedName: `${fileId}.txt`, fileName: 'a.txt', size: 10, sha256: sha256Of(CONTENT) },
      },
    ])
    response.resume()
    await once(response, 'end')
  })

  it.each([
    ['bytes=0-3', 206, '0123', 'bytes 0-3/10'],
    ['bytes=4-', 206, '456789', 'bytes 4-9/10'],
    ['bytes=-3', 206, '789', 'bytes 7-9/10'],
    ['bytes=-99', 206, '0123456789', 'bytes 0-9/10'],
    ['bytes=9-9', 206, '9', 'bytes 9-9/10'],
    ['bytes=5-99999', 206, '56789', 'bytes 5-9/10'],
    ['Bytes=1-2', 206, '12', 'bytes 1-2/10'],
    ['bytes=10-', 416, '', 'bytes */10'],
    ['bytes=99-100', 416, '', 'bytes */10'],
    ['bytes=-0', 416, '', 'bytes */10'],
    ['bytes=3-1', 200, '0123456789', undefined],
    ['bytes=0-1,4-5', 200, '0123456789', undefined],
    ['bytes=', 200, '0123456789', undefined],
    ['bytes=-', 200, '0123456789', undefined],
    ['bytes=a-b', 200, '0123456789', undefined],
    ['bytes=0x1-2', 200, '0123456789', undefined],
    ['bytes=--1', 200, '0123456789', undefined],
    ['lines=0-1', 200, '0123456789', undefined],
    ['bytes=99999999999999999999-', 200, '0123456789', undefined],
  ])('of %s is %d', async (range, status, text, contentRange) => {
    await start()
    const answer = await get({ range })
    expect([answer.status, answer.body.toString(), answer.headers['content-range']]).toEqual([
      status,
      text,
      contentRange,
    ])
    expect(await downloads()).toHaveLength(status === 416 ? 0 : 1)
  })

  it('of an empty file is empty, and on record', async () => {
    await start(Buffer.alloc(0))
    expect(await get()).toMatchObject({ status: 200, headers: { 'content-length': '0' } })
    expect(await get({ range: 'bytes=0-' })).toMatchObject({ status: 416 })
    expect(await downloads()).toHaveLength(1)
  })

  it('that resumes is the same download; one from the beginning is a new one', async () => {
    await start()
    await get({ range: 'bytes=0-3' })
    await get({ range: 'bytes=4-', 'if-range': ETAG })
    expect(await downloads()).toHaveLength(1)
    await get()
    await get({ range: 'bytes=4-', 'if-range': '"another file"' })
    expect(await downloads()).toHaveLength(3)
  })

  it('that skips the beginning is on record too', async () => {
    await start()
    await get({ range: 'bytes=1-' })
    await get({ range: 'bytes=2-' })
    expect(await downloads()).toHaveLength(1)
  })

  it('by a URL happens once; only a client that has the file’s hash may resume it', async () => {
    await start()
    expect(await getByUrl()).toMatchObject({ status: 200, body: CONTENT })
    for (const headers of [
      {},
      { range: 'bytes=0-' },
      { range: 'bytes=1-' },
      { range: 'bytes=1-', 'if-range': '"x"' },
      { range: 'bytes=99-' },
    ])
      expect((await getByUrl(headers as Record<string, string>)).status).toBe(404)
    expect(await getByUrl({ range: 'bytes=8-', 'if-range': ETAG })).toMatchObject({
      status: 206,
      body: Buffer.from('89'),
    })
    expect(await downloads()).toHaveLength(1)
  })

  it('by a URL happens once even if many clients open it at once', async () => {
    await start()
    const answers = await Promise.all(Array.from({ length: 8 }, () => getByUrl()))
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect(await downloads()).toHaveLength(1)
  })

  it.each([
    ['removed from the room', (p: FilesInTest) => p.removeFromRoom(p.bob)],
    [
      'denied by the category',
      (p: FilesInTest) =>
        p.db.knex('category_scope').insert({ category_id: p.categoryId, principal_id: p.bob.id, list: 'denied' }),
    ],
    ['disabled', (p: FilesInTest) => p.db.knex('principal').where({ id: p.bob.id }).update({ disabled: true })],
    [
      'whose policy does not let them take part',
      (p: FilesInTest) => p.db.knex('policy').insert({ identity: 'global', enabled: false }),
    ],
    ['out of time', async (p: FilesInTest) => p.clock.advance({ minutes: 30 })],
    [
      'in a room that is disabled',
      (p: FilesInTest) => p.db.knex('room').where({ id: p.roomId }).update({ disabled: true }),
    ],
    [
      'in a room that is deleted',
      (p: FilesInTest) => p.db.knex('room').where({ id: p.roomId }).update({ deleted_at: 1 }),
    ],
    ['after a file that is deleted', (p: FilesInTest) => p.db.knex('file').update({ state: 'deleted' })],
    ['after a file in quarantine', (p: FilesInTest) => p.db.knex('file').update({ state: 'quarantined' })],
  ] as const)('of somebody %s is refused like a token that never was', async (_, change) => {
    await start()
    const never = await get({}, 'x'.repeat(43))
    await change(pool)
    for (const answer of [
      await get(),
      await get({ range: 'bytes=1-' }),
      await get({ range: 'bytes=99-' }),
      await getByUrl(),
    ])
      expect([answer.status, answer.body.toString()]).toEqual([404, never.body.toString()])
    expect(await downloads()).toEqual([])
  })

  it('is refused by the services of a site whose policy bars the user', async () => {
    await start()
    const oslo = await pool.startAnother({ name: 'files-oslo', config: { site: 'oslo' } })
    const there = () =>
      send('GET', issued.url.replace(pool.origin, oslo.origin), { token: issued.token }).then(({ status }) => status)
    expect(await there()).toBe(200)

    await pool.db.knex('policy').insert({ identity: 'site:oslo', enabled: false })

    expect(await there()).toBe(404)
    expect((await get()).status).toBe(200)
  })

  it('accepts neither a token of another kind nor the id of the file', async () => {
    await start()
    const upload = await pool.upload(pool.alice, { size: 1 })
    for (const token of [upload.token, fileId, `${issued.token}=`, '']) {
      expect((await get({}, token)).status).toBe(404)
      expect((await send('GET', `${pool.origin}/files/d/${token}`)).status).toBe(404)
    }
    expect((await send('PUT', upload.url, { token: issued.token, body: Buffer.from('x') })).status).toBe(404)
    for (const method of ['HEAD', 'POST', 'DELETE', 'PUT'])
      expect((await send(method, issued.url, issued)).status).toBe(404)
    expect(await downloads()).toEqual([])
  })

  it('is cut off when access is removed while it runs', async () => {
    const large = Buffer.alloc(20_000_000, 'secret')
    await start(large)
    const sent = request(issued.url, { headers: { authorization: `Bearer ${issued.token}` } }).end()
    const [response] = (await once(sent, 'response')) as [IncomingMessage]
    const cut = new Promise((resolve) => response.once('error', resolve))
    response.pause()
    await pool.removeFromRoom(pool.bob)
    pool.clock.advance({ seconds: 3 })
    let bytes = 0
    response.on('data', (part: Buffer) => {
      bytes += part.length
    })
    response.resume()
    expect(await cut).toBeInstanceOf(Error)
    expect(bytes).toBeLessThan(large.length)
  })

  it('is cut off when its client reads nothing, and releases its slot', async () => {
    await start(Buffer.alloc(20_000_000))
    const hanging = Array.from({ length: 16 }, () =>
      request(issued.url, { headers: { authorization: `Bearer ${issued.token}` } }).end(),
    )
    const responses = await Promise.all(
      hanging.map(async (each) => ((await once(each, 'response')) as [IncomingMessage])[0]),
    )
    const cuts = responses.map((response) => new Promise((resolve) => response.once('error', resolve).pause()))
    expect(await get()).toMatchObject({ status: 429, json: { error: 'too-many-transfers' } })
    await expect
      .poll(() => {
        pool.clock.advance({ seconds: 61 })
        return get({ range: 'bytes=5-6' }).then(({ status }) => status)
      })
      .toBe(206)
    for (const response of responses) response.resume()
    await Promise.race(cuts)
  })

  it('whose client disconnected leaves no file open and releases its slot', async () => {
    await start(Buffer.alloc(1_000_000))
    for (let n = 0; n < 40; n += 1) {
      const gone = request(issued.url, { headers: { authorization: `Bearer ${issued.token}` } })
      gone.on('error', () => {})
      gone.end()
      if (n % 2 === 0) await once(gone, 'response')
      gone.destroy()
    }
    await expect.poll(async () => (await get()).status).toBe(200)
  })

  it('of missing bytes is reported to operators, and is not on record', async () => {
    await start()
    const name = `${fileId}.txt`
    await rm(join(pool.directory, 'files', name.slice(0, 2), name))
    expect(await get()).toMatchObject({ status: 503 })
    expect(await downloads()).toEqual([])
  })
})
