import { fileCounts, findFile, findFileToken } from '@hansard/pool-store'
import { poolStateFrom, subjectsOf } from '@hansard/test-pool-state'
import { EICAR_SIGNATURE, type SharedPostgres, sharePostgres } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type FilesInTest, send, sha256Of, startFilesInTest, startScannerInTest } from './files-in-test.ts'

describe.each(['sqlite', 'postgres'] as const)('files that are scanned, on %s', (dialect) => {
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
  const start = async () => {
    pool = await startFilesInTest(server)
    const { scanner, stop } = await startScannerInTest(pool.clock)
    stopScanner = stop
    const { origin } = await pool.startAnother({ name: 'files-2', scanner })
    return async (content: Uint8Array, name = 'a.exe') => {
      const issued = await pool.upload(pool.alice, { size: content.length, name })
      return { ...issued, url: issued.url.replace(pool.origin, origin) }
    }
  }
  const clean = Buffer.from('a quiet text')
  const infected = Buffer.from('a text with EICAR in it')

  it('are stored when they are clean', async () => {
    const upload = await start()
    const issued = await upload(clean)
    expect(await send('PUT', issued.url, { ...issued, body: clean })).toMatchObject({ status: 201 })
  })

  it('are quarantined when they are infected: counted, on record as refused, never served', async () => {
    const upload = await start()
    const issued = await upload(infected, 'Offer\u202e.exe')
    const refused = await send('PUT', issued.url, { ...issued, body: infected })
    expect(refused).toMatchObject({ status: 422, json: { error: 'infected' } })
    expect(await send('PUT', issued.url, { ...issued, body: clean })).toMatchObject({ status: 422 })

    expect(await findFile(pool.db.knex, issued.fileId)).toMatchObject({ state: 'quarantined' })
    expect(await pool.db.knex('file').first('signature')).toEqual({ signature: EICAR_SIGNATURE })
    expect(await fileCounts(pool.db.knex)).toMatchObject({ quarantined: 1, kept: 0 })
    const storedName = `${issued.fileId}.exe`
    expect(await pool.filesIn('files')).toEqual([])
    expect(await pool.filesIn('compliance-files')).toEqual([storedName])
    expect(await pool.events()).toMatchObject([
      {
        ...{ kind: 'change', action: 'created', at: pool.clock.now(), source: 'files-2' },
        ...{ principal: { uri: pool.alice.uri }, room: { name: 'desk' } },
        subject: { type: 'quarantined-file', uri: `ma-filelink://example.com/${issued.fileId}`, name: issued.fileName },
        before: {},
        after: {
          ...{ storedName, size: infected.length, sha256: sha256Of(infected), signature: EICAR_SIGNATURE },
          givenName: 'Offer\u202e.exe',
        },
      },
    ])
    await expect(pool.download(pool.bob, issued.fileId)).rejects.toThrow('no such file')

    pool.clock.advance({ hours: 20 })
    await pool.service.sweep()
    expect(await pool.filesIn('compliance-files')).toEqual([storedName])
  })

  it('that are in quarantine can be derived from the record', async () => {
    const upload = await start()
    for (const [content, name] of [
      [infected, 'a.exe'],
      [clean, 'b.txt'],
      [Buffer.from('EICAR once more'), 'c'],
    ] as const) {
      const issued = await upload(content, name)
      await send('PUT', issued.url, { ...issued, body: content })
    }

    const told = subjectsOf(poolStateFrom(await pool.events()), 'quarantined-file')
    const rows: Record<string, string | number>[] = await pool.db.knex('file').where({ state: 'quarantined' })
    expect(rows).toHaveLength(2)
    expect(Object.fromEntries([...told].map(([uri, { name, properties }]) => [uri, { name, ...properties }]))).toEqual(
      Object.fromEntries(
        rows.map((row) => [
          `ma-filelink://example.com/${row['id']}`,
          {
            name: JSON.parse(String(row['file_name'])),
            ...{
              storedName: row['stored_name'],
              size: row['size'],
              sha256: row['sha256'],
              signature: row['signature'],
              givenName: JSON.parse(String(row['given_name'])),
            },
          },
        ]),
      ),
    )
  })

  it('are on record when found infected, even if the sender was removed meanwhile and gets no answer', async () => {
    const found = Promise.withResolvers<void>()
    const goOn = Promise.withResolvers<void>()
    pool = await startFilesInTest(server)
    const { origin } = await pool.startAnother({
      name: 'files-2',
      scanner: {
        async scan(content) {
          found.resolve()
          await goOn.promise
          for await (const _ of content);
          return { clean: false, signature: EICAR_SIGNATURE }
        },
      },
    })
    const issued = await pool.upload(pool.alice, { size: infected.length })
    const sent = send('PUT', issued.url.replace(pool.origin, origin), { ...issued, body: infected })
    await found.promise
    await pool.removeFromRoom(pool.alice)
    goOn.resolve()

    expect(await sent).toMatchObject({ status: 404, json: { error: 'no-such-file' } })
    expect(await pool.events()).toMatchObject([{ kind: 'change', subject: { type: 'quarantined-file' } }])
  })

  it('wait while the scanner is down, and are never stored unscanned', async () => {
    const upload = await start()
    const issued = await upload(clean)
    await stopScanner()
    const refused = await send('PUT', issued.url, { ...issued, body: clean })
    expect(refused).toMatchObject({ status: 503, json: { error: 'try-again' } })
    expect(await pool.events()).toEqual([])
    const token = await findFileToken(pool.db.knex, { token: issued.token, kind: 'upload', now: pool.clock.now() })
    expect(token).toMatchObject({ usedAt: undefined, file: { state: 'uploading' } })

    const back = await startScannerInTest(pool.clock)
    stopScanner = back.stop
    const { origin } = await pool.startAnother({ name: 'files-3', scanner: back.scanner })
    const again = { ...issued, url: issued.url.replace(/http:\/\/[^/]+/, origin) }
    const headers = { 'upload-offset': String(clean.length) }
    expect(await send('PUT', again.url, { ...again, body: Buffer.alloc(0), headers })).toMatchObject({ status: 201 })
  })
})
