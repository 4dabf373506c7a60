import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { request } from 'node:https'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { makeCertificate, type ServerProcess, startNginx } from '@hansard/test-servers'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type EnterprisePool, freePort, OPERATOR_PASSWORD, startEnterprisePool } from './enterprise-pool.ts'
import { hansardCommand } from './hansard-command.ts'
import { serviceProcess } from './service-process.ts'

const repository = join(dirname(fileURLToPath(import.meta.url)), '../../..')
const ALICE = { HANSARD_PASSWORD: 'a long word of alice' }
let directory: string
let certificate: { cert: string; key: string }
let trusting: Record<string, string>
beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), 'hansard-proxy-'))
  certificate = await makeCertificate(directory, 'localhost')
  trusting = { HANSARD_ADMIN_PASSWORD: OPERATOR_PASSWORD, NODE_EXTRA_CA_CERTS: certificate.cert }
})
afterAll(() => rm(directory, { recursive: true }))

/** The addresses that a pool returns, over a verified connection. */
function directoryOf(server: string): Promise<Record<string, string | string[]>> {
  return readFile(certificate.cert).then(
    (ca) =>
      new Promise((resolve, reject) => {
        request(`${server}/directory`, { ca, agent: false }, (response) => {
          let text = ''
          response.on('data', (data: Buffer) => {
            text += data.toString()
          })
          response.on('end', () => resolve(JSON.parse(text)))
        })
          .on('error', reject)
          .end()
      }),
  )
}

/** Creates a room and a user who posts and uploads a file: uses every service. */
async function talk(server: string) {
  const command = (args: string[], more: { env?: Record<string, string>; input?: string } = {}) =>
    hansardCommand([...args, '--server', server], { ...more, env: { ...trusting, ...more.env } })
  const made = [
    await command(['categories', 'set', 'General', '--file-upload', 'on']),
    await command(['rooms', 'add', 'desk']),
    await command(['users', 'add', 'alice', '--password'], { env: ALICE }),
  ]
  const file = join(repository, 'LICENSE')
  const chat = await command(['chat', 'desk', '--account', 'alice', '--json'], {
    env: ALICE,
    input: `hello\n/upload ${file}\n`,
  })
  return { made, chat }
}

describe('an Enterprise Edition pool behind the nginx of operating.md', () => {
  let nginx: ServerProcess
  let pool: EnterprisePool
  beforeAll(async () => {
    const guide = await readFile(join(repository, 'docs/operating.md'), 'utf8')
    const example = /```nginx\n([\s\S]*?)```/.exec(guide)![1]!
    pool = await startEnterprisePool({
      workers: 1,
      env: { HANSARD_TRUSTED_PROXIES: '127.0.0.1' },
      async publicUrl(ports) {
        const places = { 7464: ports.lookup, 7465: ports.channels[0], 7475: ports.channels[1] }
        const more = { 7466: ports.admin, 7467: ports.files }
        let text = example
        for (const [documented, real] of Object.entries({ ...places, ...more })) {
          expect(text).toContain(`127.0.0.1:${documented}`)
          text = text.replaceAll(`127.0.0.1:${documented}`, `127.0.0.1:${real}`)
        }
        text = text.replace(/ssl_certificate [^;]*/, `ssl_certificate ${certificate.cert}`)
        text = text.replace(/ssl_certificate_key [^;]*/, `ssl_certificate_key ${certificate.key}`)
        nginx = await startNginx((port) => text.replace('listen 443 ssl', `listen 127.0.0.1:${port} ssl`))
        return `https://localhost:${nginx.port}`
      },
    })
  }, 120_000)
  afterAll(async () => {
    await pool?.stop()
    await nginx?.stop()
  })

  it('returns only addresses under its public URL', async () => {
    const { lookup, admin, lookups, files } = await directoryOf(pool.server)
    expect([lookup, admin, lookups, files]).toEqual([pool.server, pool.server, [pool.server], [`${pool.server}/files`]])
  })

  it('handles administration, chats and files through the proxy', async () => {
    const { made, chat } = await talk(pool.server)

    expect(made.map(({ code, stderr }) => [code, stderr])).toEqual(made.map(() => [0, '']))
    expect(chat).toMatchObject({ code: 0, stderr: '' })
    expect(chat.stdout).toContain('"event":"signed-in"')
    expect(chat.stdout).toMatch(/"event":"uploaded"|LICENSE/)
  })

  it('assigns clients to the remaining service when the proxy answers 502 for the other', async () => {
    await pool.channels[0]!.kill()
    for (let n = 0; n < 3; n += 1) {
      const chat = await hansardCommand(['chat', 'desk', '--account', 'alice', '--server', pool.server], {
        env: { ...trusting, ...ALICE },
        input: 'still here\n',
      })
      expect(chat).toMatchObject({ code: 0, stderr: '' })
    }
  })
})

describe('a Standard Edition pool with a certificate of its own', () => {
  it('handles administration, chats and files over TLS', async () => {
    const port = await freePort()
    const pool = serviceProcess({
      name: 'standard',
      program: 'apps/hansard/src/bin.ts',
      args: [
        ...['start', '--data', join(directory, 'data'), '--port', String(port), '--json'],
        ...['--tls-cert', certificate.cert, '--tls-key', certificate.key],
        ...['--public-url', `https://localhost:${port}`],
      ],
      env: { HANSARD_ADMIN_PASSWORD: OPERATOR_PASSWORD },
      logFile: join(directory, 'standard.log'),
    })
    const { server, channel } = await pool.start()
    try {
      expect([server, channel]).toEqual([`https://localhost:${port}`, `wss://localhost:${port}/channel`])
      const { made, chat } = await talk(String(server))
      expect(made.map(({ code, stderr }) => [code, stderr])).toEqual(made.map(() => [0, '']))
      expect(chat).toMatchObject({ code: 0, stderr: '' })
    } finally {
      await pool.stop()
    }
  })

  it('refuses to listen beyond loopback without one', async () => {
    const args = ['start', '--data', join(directory, 'none'), '--port', '0', '--host', '0.0.0.0']
    const { code, stderr } = await hansardCommand(args)
    expect([code, stderr]).toEqual([2, expect.stringContaining('without TLS would send passwords in clear')])
  })
})
