import { fileCounts, findFile, findFileToken } from '@hansard/pool-store'
import { afterEach, describe, expect, it } from 'vitest'
import { type FilesInTest, send, startFilesInTest, startScannerInTest } from './files-in-test.ts'

describe('files that are scanned', () => {
  let pool: FilesInTest
  let stopScanner = () => {}
  afterEach(async () => {
    await pool?.close()
    stopScanner()
  })
  const start = async () => {
    pool = await startFilesInTest(undefined)
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

  it('are kept when they are clean', async () => {
    const upload = await start()
    const issued = await upload(clean)
    expect(await send('PUT', issued.url, { ...issued, body: clean })).toMatchObject({ status: 201 })
  })

  it('are set apart when they are not: counted, never served, and no event says that they were handed over', async () => {
    const upload = await start()
    const issued = await upload(infected)
    const refused = await send('PUT', issued.url, { ...issued, body: infected })
    expect(refused).toMatchObject({ status: 422, json: { error: 'infected' } })
    expect(await send('PUT', issued.url, { ...issued, body: clean })).toMatchObject({ status: 422 })

    expect(await findFile(pool.db.knex, issued.fileId)).toMatchObject({ state: 'quarantined' })
    expect(await pool.db.knex('file').first('signature')).toEqual({ signature: 'Test.Eicar' })
    expect(await fileCounts(pool.db.knex)).toMatchObject({ quarantined: 1, kept: 0 })
    expect(await pool.filesIn('files')).toEqual([`${issued.fileId}.exe`])
    expect(await pool.filesIn('compliance-files')).toEqual([])
    expect(await pool.events()).toEqual([])
    await expect(pool.download(pool.bob, issued.fileId)).rejects.toThrow('no such file')

    pool.clock.advance({ hours: 20 })
    await pool.service.sweep()
    expect(await pool.filesIn('files')).toEqual([`${issued.fileId}.exe`])
  })

  it('wait while the scanner is away, and are never let through', async () => {
    const upload = await start()
    const issued = await upload(clean)
    stopScanner()
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
