import { createHash } from 'node:crypto'
import { request } from 'node:http'
import { findFile } from '@hansard/pool-store'
import { type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FilesInTest, type Issued, type StartOptions, send, sha256Of, startFilesInTest } from './files-in-test.ts'

const CONTENT = Buffer.from('the minutes of the meeting, as a file')

describe.each(['sqlite', 'postgres'] as const)('an upload on %s', (dialect) => {
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

  it('is on record, and in both stores, when it is answered', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length, name: 'Minutes 2026.PDF' })
    const answer = await put(issued, CONTENT, { 'content-type': 'text/html' })

    expect(answer.status).toBe(201)
    expect(answer.json).toEqual({
      file: issued.fileId,
      link: `ma-filelink://example.com/${issued.fileId}`,
      fileName: 'Minutes 2026.PDF',
      size: CONTENT.length,
      sha256: sha256Of(CONTENT),
    })
    const storedName = `${issued.fileId}.pdf`
    expect(await pool.events()).toMatchObject([
      {
        ...{
          kind: 'file-upload',
          source: 'files-1',
          seq: 1,
          room: { name: 'desk' },
          principal: { uri: pool.alice.uri },
        },
        ...{ storedName, fileName: 'Minutes 2026.PDF', size: CONTENT.length, sha256: sha256Of(CONTENT) },
      },
    ])
    expect(await pool.filesIn('files')).toEqual([storedName])
    expect(await pool.filesIn('compliance-files')).toEqual([storedName])
  })

  it.each([
    ['.env', 'env'],
    ['\u202egpj.exe', 'gpj.exe'],
    ['CON.txt', '_CON.txt'],
    ['نامه\u200cها.pdf', 'نامهها.pdf'],
    ['👨\u200d👩\u200d👧.png', '👨👩👧.png'],
    ['a\nb.txt', 'ab.txt'],
    ['nul\u0000 \ud800.txt', 'nul \ufffd.txt'],
    ['../../etc/passwd', 'passwd'],
    ['字'.repeat(300), '字'.repeat(85)],
    ['x'.repeat(1_024), 'x'.repeat(255)],
  ])('and its download are on record under the name the user gave it, %j, and others see %j', async (given, safe) => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length, name: given })
    const answer = await put(issued, CONTENT)
    const got = await pool.download(pool.bob, issued.fileId)
    const taken = await send('GET', got.url, got)

    expect(answer.json).toMatchObject({ fileName: safe })
    expect([issued.fileName, got.fileName]).toEqual([safe, safe])
    expect(taken.headers['content-disposition']).toContain(`''${encodeURIComponent(safe)}`)
    expect(await pool.events()).toMatchObject([
      { kind: 'file-upload', fileName: safe, givenName: given },
      { kind: 'file-download', fileName: safe, givenName: given },
    ])
    expect(await findFile(pool.db.knex, issued.fileId)).toMatchObject({ fileName: safe, givenName: given })
  })

  it('of a name that is longer than any is refused before anything is kept of it', async () => {
    await start()
    await expect(pool.upload(pool.alice, { size: 1, name: 'x'.repeat(1_025) })).rejects.toThrow(/1024 characters/)
    expect(await pool.db.knex('file')).toEqual([])
  })

  it('announced before given names were kept is recorded without one', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    await pool.db.knex('file').update({ given_name: null })
    await put(issued, CONTENT)

    const [event] = await pool.events()
    expect(event).toMatchObject({ kind: 'file-upload', fileName: 'a.txt' })
    expect(event).not.toHaveProperty('givenName')
  })

  it('accepts a file of 20,000 KB, and an empty one', async () => {
    await start()
    const large = Buffer.alloc(20_000 * 1_024, 'large ')
    for (const content of [large, Buffer.alloc(0)]) {
      const answer = await put(await pool.upload(pool.alice, { size: content.length }), content)
      expect(answer).toMatchObject({ status: 201, json: { sha256: sha256Of(content) } })
    }
    expect(await pool.events()).toHaveLength(2)
  })

  it('comes in pieces, each of which may go to another service', async () => {
    await start()
    const another = await pool.startAnother({ name: 'files-2' })
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const elsewhere = { ...issued, url: issued.url.replace(pool.origin, another.origin) }

    const first = await put(issued, CONTENT.subarray(0, 10))
    expect(first).toMatchObject({ status: 202, headers: at(10), json: { received: 10, size: CONTENT.length } })
    const second = await send('PATCH', elsewhere.url, { ...issued, body: CONTENT.subarray(10, 20), headers: at(10) })
    expect(second.status).toBe(202)
    const asked = await send('HEAD', issued.url, issued)
    expect(asked).toMatchObject({ status: 200, headers: { ...at(20), 'upload-length': String(CONTENT.length) } })
    expect(await pool.events()).toEqual([])
    const last = await put(elsewhere, CONTENT.subarray(20), at(20), true)
    expect(last).toMatchObject({ status: 201, json: { sha256: sha256Of(CONTENT) } })
    expect(await pool.events()).toMatchObject([{ source: 'files-2', kind: 'file-upload' }])
  })

  it('that is repeated after a lost answer gets the same answer, and is recorded once', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const first = await put(issued, CONTENT)
    const again = await Promise.all([
      put(issued, CONTENT),
      put(issued, Buffer.from('something else of the same token')),
      put(issued, Buffer.alloc(0), at(CONTENT.length)),
      send('PATCH', issued.url, { ...issued, body: Buffer.from('x'), headers: at(3) }),
    ])
    for (const answer of again) expect(answer).toMatchObject({ status: 200, json: first.json })
    expect(await send('HEAD', issued.url, issued)).toMatchObject({ status: 200, headers: at(CONTENT.length) })
    expect(await pool.events()).toHaveLength(1)
    expect(await pool.filesIn('files')).toHaveLength(1)
  })

  it('answers a wrong offset with the right one', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    await put(issued, CONTENT.subarray(0, 10))
    for (const offset of [1, 9, 11, CONTENT.length]) {
      const answer = await put(issued, Buffer.alloc(0), at(offset))
      expect(answer).toMatchObject({ status: 409, headers: at(10), json: { error: 'wrong-offset' } })
    }
    for (const headers of [
      at(-1),
      { 'upload-offset': '1e1' },
      { 'upload-offset': '0x1' },
      { 'upload-offset': '10, 10' },
    ])
      expect(await put(issued, CONTENT, headers as Record<string, string>)).toMatchObject({ status: 400 })
    expect(await send('PATCH', issued.url, { ...issued, body: CONTENT })).toMatchObject({ status: 400 })
    expect(await put(issued, CONTENT.subarray(10), at(10))).toMatchObject({ status: 201 })
  })

  it('discards a piece that exceeds the announced size, with or without a declared length', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: 20 })
    await put(issued, CONTENT.subarray(0, 10))
    for (const chunked of [false, true]) {
      const answer = await put(issued, CONTENT.subarray(10, 21), at(10), chunked)
      expect(answer).toMatchObject({ status: 413, json: { error: 'too-much-data' } })
      expect(await send('HEAD', issued.url, issued)).toMatchObject({ headers: at(10) })
    }
    const flood = await put(issued, Buffer.alloc(30_000_000), at(10), true)
    expect(flood.status).toBe(413)
    expect(await put(issued, CONTENT.subarray(10, 20), at(10))).toMatchObject({ status: 201 })
    expect(await pool.events()).toMatchObject([{ size: 20, sha256: sha256Of(CONTENT.subarray(0, 20)) }])
  })

  it('resumes where the connection broke', async () => {
    await start()
    const content = Buffer.alloc(1_000_000, 'abcdefg')
    const issued = await pool.upload(pool.alice, { size: content.length })
    const broken = request(issued.url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${issued.token}`, 'content-length': String(content.length) },
    })
    broken.on('error', () => {})
    broken.write(content.subarray(0, 400_000))
    await expect.poll(async () => (await send('HEAD', issued.url, issued)).headers['upload-offset']).toBe('400000')
    broken.destroy()

    expect(await put(issued, content.subarray(400_000), at(400_000))).toMatchObject({
      status: 201,
      json: { sha256: sha256Of(content) },
    })
  })

  it('resumes at Content-Range, as clients like curl send it, and never treats the end of a file as a new upload', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    await put(issued, CONTENT.subarray(0, 10))
    const range = (text: string) => ({ 'content-range': text })
    for (const wrong of [
      'bytes */37',
      'bytes 1e1-36/37',
      'lines 10-36/37',
      'bytes 10-',
      'bytes 10-36/37, bytes 3-4/37',
    ])
      expect(await put(issued, CONTENT.subarray(10), range(wrong))).toMatchObject({ status: 400 })
    const both = { ...at(10), ...range('bytes 3-36/37') }
    expect(await put(issued, CONTENT.subarray(10), both)).toMatchObject({ status: 400 })
    expect(await put(issued, CONTENT.subarray(3), range('bytes 3-36/37'))).toMatchObject({
      status: 409,
      headers: at(10),
    })

    expect(await put(issued, CONTENT.subarray(10), range('bytes 10-36/37'))).toMatchObject({
      status: 201,
      json: { sha256: sha256Of(CONTENT) },
    })
  })

  it('is taken over by a later request while the earlier connection hangs', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const hanging = request(issued.url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${issued.token}`, 'content-length': String(CONTENT.length) },
    })
    const cut = new Promise((resolve) => hanging.on('error', resolve))
    hanging.write(CONTENT.subarray(0, 5))
    await expect.poll(async () => (await send('HEAD', issued.url, issued)).headers['upload-offset']).toBe('5')

    expect(await put(issued, CONTENT.subarray(5), at(5))).toMatchObject({ status: 201 })
    expect(await cut).toBeInstanceOf(Error)
  })

  it('disconnects a client that stops sending, and keeps what it sent', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const hanging = request(issued.url, {
      method: 'PUT',
      headers: { authorization: `Bearer ${issued.token}`, 'content-length': String(CONTENT.length) },
    })
    const cut = new Promise((resolve) => hanging.on('error', resolve))
    hanging.write(CONTENT.subarray(0, 5))
    await expect.poll(async () => (await send('HEAD', issued.url, issued)).headers['upload-offset']).toBe('5')
    pool.clock.advance({ seconds: 61 })
    await cut
    expect(await put(issued, CONTENT.subarray(5), at(5))).toMatchObject({ status: 201 })
  })

  it('is one file and one event, however many clients and services use the token at once', async () => {
    await start()
    const another = await pool.startAnother({ name: 'files-2' })
    for (let round = 0; round < 5; round += 1) {
      const issued = await pool.upload(pool.alice, { size: 200_000 })
      const contents = Array.from({ length: 6 }, (_, n) => Buffer.alloc(200_000, `${n}${round}`))
      const urls = [issued.url, issued.url.replace(pool.origin, another.origin)]
      const answers = await Promise.allSettled(
        contents.map((content, n) =>
          send('PUT', urls[n % 2]!, { ...issued, body: [content.subarray(0, 99_999), content.subarray(99_999)] }),
        ),
      )
      const done = answers.flatMap((a) => (a.status === 'fulfilled' && a.value.status < 300 ? [a.value] : []))
      const file = (await findFile(pool.db.knex, issued.fileId))!
      // Services that share a disk do not wait for each other: both may abort, and then the client starts over.
      if (file.state === 'uploading') continue
      expect(new Set(done.map(({ json }) => json['sha256']))).toEqual(new Set([file.sha256]))
      const events = (await pool.events()).filter((e) => e.kind === 'file-upload' && e.storedName === file.storedName)
      expect(events).toMatchObject([{ sha256: file.sha256 }])
      const got = await send('GET', `${pool.origin}/files/download`, await pool.download(pool.bob, file.id))
      expect(sha256Of(got.body)).toBe(file.sha256)
    }
  })

  it('is refused when its bytes do not match the digest', async () => {
    await start()
    const issued = await pool.upload(pool.alice, { size: CONTENT.length })
    const digest = (content: Uint8Array) => ({
      'repr-digest': `sha-512=:AA==:, sha-256=:${createHash('sha256').update(content).digest('base64')}:`,
    })
    const wrong = await put(issued, CONTENT, digest(Buffer.from('other')))
    expect(wrong).toMatchObject({ status: 422, json: { error: 'wrong-digest' } })
    expect(await pool.events()).toEqual([])
    expect(await put(issued, CONTENT, digest(CONTENT))).toMatchObject({ status: 201 })
  })

  it('with an expired token is refused, and one that began in time continues', async () => {
    await start()
    const [one, two] = [await pool.upload(pool.alice, { size: 37 }), await pool.upload(pool.alice, { size: 37 })]
    const running = request(two.url, { method: 'PUT', headers: { authorization: `Bearer ${two.token}` } })
    const answered = new Promise<number>((resolve) =>
      running.on('response', (response) => resolve(response.statusCode!)),
    )
    running.write(CONTENT.subarray(0, 5))
    await expect.poll(async () => (await send('HEAD', two.url, two)).headers['upload-offset']).toBe('5')
    pool.clock.advance({ seconds: 50 })
    running.write(CONTENT.subarray(5, 10))
    await pool.db.knex('file_token').update({ expires_at: pool.clock.now() })
    running.end(CONTENT.subarray(10))
    expect(await answered).toBe(201)
    expect(await put(one, CONTENT)).toMatchObject({ status: 404 })
  })
})
