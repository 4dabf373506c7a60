import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { connect } from 'node:tls'
import { promisify } from 'node:util'
import { ManualClock } from '@hansard/clock'
import { makeCertificate } from '@hansard/test-servers'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { startHttpInTest } from './http-in-test.ts'

const run = promisify(execFile)
let directory: string
let files: { cert: string; key: string }
let server: Awaited<ReturnType<typeof startHttpInTest>>
const clock = new ManualClock(0)
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-tls-'))
  files = await makeCertificate(directory, 'first')
  server = await startHttpInTest(clock, { tls: files })
})
afterEach(async () => {
  await server.stop()
  await rm(directory, { recursive: true })
})

/** What openssl sees of the server: an outside look. */
async function look(...options: string[]): Promise<string> {
  const args = ['s_client', '-connect', `127.0.0.1:${server.port}`, '-CAfile', files.cert, '-brief', ...options]
  const looking = run('openssl', args, { timeout: 20_000 })
  looking.child.stdin?.end()
  const { stdout, stderr } = await looking.catch((error) => error as { stdout: string; stderr: string })
  return `${stdout}${stderr}`
}

it('speaks TLS 1.2 and later, with a certificate that openssl verifies', async () => {
  expect(await look()).toMatch(/Protocol version: TLSv1\.3[\s\S]*Verification: OK/)
  expect(await look('-tls1_2')).toContain('Protocol version: TLSv1.2')
  expect(await look('-tls1_1', '-cipher', 'ALL:@SECLEVEL=0')).not.toContain('CONNECTION ESTABLISHED')
})

it('uses a renewed certificate while it runs, and keeps the old one while the files do not match', async () => {
  const nameSeen = () =>
    new Promise<string>((resolve, reject) => {
      const socket = connect({ port: server.port, host: '127.0.0.1', rejectUnauthorized: false }, () => {
        resolve(String(socket.getPeerCertificate().subject.CN))
        socket.destroy()
      })
      socket.on('error', reject)
    })
  expect(await nameSeen()).toBe('first')
  const renewed = await makeCertificate(directory, 'second')

  await copyFile(renewed.cert, files.cert)
  clock.advance({ seconds: 6 })
  expect(await nameSeen()).toBe('first')
  await copyFile(renewed.key, files.key)

  await expect
    .poll(async () => {
      clock.advance({ seconds: 6 })
      return nameSeen()
    })
    .toBe('second')
  expect(await look()).toContain('Verification: OK')
})

it('refuses mismatched files before it listens', async () => {
  const other = await makeCertificate(directory, 'other')
  const wrong = startHttpInTest(clock, { tls: { cert: files.cert, key: other.key } })
  await expect(wrong).rejects.toThrow(/cannot be used together: .*mismatch/i)
  const absent = startHttpInTest(clock, { tls: { cert: join(directory, 'none.pem'), key: files.key } })
  await expect(absent).rejects.toThrow(/The TLS certificate .*none\.pem cannot be read/)
})
