import { execFileSync } from 'node:child_process'
import { copyFile, readFile, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { openFileStore } from '@hansard/file-store'
import fc from 'fast-check'
import { afterEach, describe, expect, it } from 'vitest'
import { type FilesInTest, type Issued, send, sha256Of, startFilesInTest } from './files-in-test.ts'

const SECRET = 'what nobody may read'

describe('hostile requests', () => {
  let pool: FilesInTest
  afterEach(() => pool?.close())

  it('never get a file without access, whatever path, header or token they send', async () => {
    pool = await startFilesInTest(undefined)
    const fileId = await pool.put(Buffer.from(SECRET))
    await writeFile(join(pool.directory, 'outside'), SECRET)
    const upload = await pool.upload(pool.alice, { size: 5 })
    const stored = `${fileId.slice(0, 2)}/${fileId}.txt`
    const text = fc.oneof(
      fc.string({ unit: 'binary', maxLength: 80 }),
      fc.constantFrom(
        ...['..', '../outside', '..%2foutside', '%2e%2e/%2e%2e/outside', '....//outside', '..\\outside', '/etc/passwd'],
        ...[
          fileId,
          stored,
          `../${stored}`,
          `incoming/${upload.fileId}`,
          `quarantine/${fileId}.txt`,
          'file:///etc/passwd',
        ],
        ...[
          '%00',
          `${upload.token}%00`,
          `${upload.token}/..`,
          upload.token.slice(0, 42),
          'null',
          'undefined',
          '*',
          "' or 1=1 --",
        ],
      ),
    )
    // Only what a client can send at all: Node's own parser refuses or never sends the rest.
    const inPath = text.map((t) => encodeURI(t.toWellFormed()).replaceAll('%25', '%'))
    const inHeader = text.map((t) => t.replace(/[^\x20-\x7e]/g, '?'))
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('GET', 'PUT', 'PATCH', 'HEAD', 'POST', 'OPTIONS'),
        fc.oneof(fc.constantFrom('/files/upload', '/files/download', '/files/d'), fc.constant('/files')),
        inPath,
        fc.record(
          { authorization: inHeader, 'upload-offset': inHeader, range: inHeader, 'if-range': inHeader },
          { requiredKeys: [] },
        ),
        async (method, path, more, headers) => {
          const withToken = {
            ...headers,
            authorization: headers.authorization ?? `Bearer ${more}`.replace(/[^\x20-\x7e]/g, '?'),
          }
          const url = `${pool.origin}${path}/${more}`
          for (const [where, what] of [
            [url, headers],
            [`${pool.origin}${path}`, withToken],
          ] as const) {
            const answer = await send(method, where, { headers: what as Record<string, string> })
            expect(answer.status).toBeGreaterThanOrEqual(400)
            expect(answer.status).toBeLessThan(500)
            expect(answer.body.toString()).not.toContain(SECRET)
          }
        },
      ),
      { numRuns: 700 },
    )
    expect((await pool.events()).map(({ kind }) => kind)).toEqual(['file-upload'])
    expect(await readFile(join(pool.directory, 'outside'), 'utf8')).toBe(SECRET)
    expect(await pool.filesIn('files')).toEqual([`${fileId}.txt`])
  })

  it('with broken headers or framing are answered or disconnected, and affect no other client', async () => {
    pool = await startFilesInTest(undefined)
    const issued = await pool.upload(pool.alice, { size: 5 })
    const port = Number(new URL(pool.origin).port)
    const auth = `Authorization: Bearer ${issued.token}\r\n`
    const raw = [
      `PUT /files/upload HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      `PUT /files/upload HTTP/1.1\r\nHost: x\r\n${auth}Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n`,
      `PUT /files/upload HTTP/1.1\r\nHost: x\r\n${auth}Content-Length: -5\r\n\r\n`,
      `PUT /files/upload HTTP/1.1\r\nHost: x\r\n${auth}${auth}Content-Length: 99\r\n\r\n`,
      `GET /files/d/\u0000 HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET http://elsewhere/files/d/x HTTP/1.1\r\nHost: x\r\n\r\n`,
      `GET /files/d/${'x'.repeat(20_000)} HTTP/1.1\r\nHost: x\r\n\r\n`,
      'PUT /files/upload HTTP/1.0\r\n\r\n',
    ]
    for (const text of raw) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      socket.write(text, 'latin1')
      const said = new Promise<string>((resolve) => {
        socket.once('data', (data) => resolve(data.toString()))
        socket.once('close', () => resolve(''))
      })
      expect(await said).not.toMatch(/^HTTP\/1\.1 (2|5)/)
      socket.destroy()
    }
    const whole = await send('PUT', issued.url, { ...issued, body: Buffer.from('whole') })
    expect(whole.status).toBe(201)
  })

  it('at a full disk are refused, leave no partial file, and continue when space is free', async ({ skip }) => {
    pool = await startFilesInTest(undefined)
    const disk = join(pool.directory, 'small')
    execFileSync('mkdir', [disk])
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'hansard-test', disk], { stdio: 'ignore' })
    } catch {
      skip('a small disk could not be mounted: that takes root')
    }
    try {
      for (const small of ['files', 'compliance-files'] as const) {
        const { origin, stop } = await startOnSmallDisk(pool, disk, small)
        const content = Buffer.alloc(800_000, small)
        const elsewhere = (issued: Issued) => ({ ...issued, url: issued.url.replace(pool.origin, origin) })
        const issued = elsewhere(await pool.upload(pool.alice, { size: content.length }))
        const full = join(disk, 'something else')
        await writeFile(full, Buffer.alloc(700_000))
        const before = await pool.events()

        const refused = await send('PUT', issued.url, { ...issued, body: content })
        expect(refused).toMatchObject({ status: 507, json: { error: 'store-full' }, headers: { 'retry-after': '2' } })
        expect(await pool.events()).toEqual(before)

        execFileSync('rm', [full])
        execFileSync('mount', ['-o', 'remount,size=8m', disk])
        const offset = Number((await send('HEAD', issued.url, issued)).headers['upload-offset'])
        const rest = { body: content.subarray(offset), headers: { 'upload-offset': String(offset) } }
        expect(await send('PUT', issued.url, { ...issued, ...rest })).toMatchObject({
          status: 201,
          json: { sha256: sha256Of(content) },
        })
        execFileSync('mount', ['-o', 'remount,size=1m', disk], { stdio: 'ignore' })
        await stop()
        execFileSync('sh', ['-c', `rm -rf ${disk}/*`])
      }
    } finally {
      execFileSync('umount', ['-l', disk])
    }
  })
})

/** A service of the pool whose one store lies on the small disk. */
async function startOnSmallDisk(pool: FilesInTest, disk: string, small: 'files' | 'compliance-files') {
  const store = await openFileStore(join(disk, small))
  // As if the pool's own store had moved here.
  await copyFile(join(pool.directory, small, 'store-id'), join(disk, small, 'store-id'))
  return pool.startAnother({
    name: `files-on-${small}`,
    wrap: (stores) => (small === 'files' ? { ...stores, files: store } : { ...stores, complianceFiles: store }),
  })
}
