import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

export type TimeStampAuthority = AsyncDisposable & {
  readonly url: string
  /** the certificate to trust, in PEM */
  readonly caFile: string
  /** the headers of each request so far */
  readonly requests: { readonly contentType: string | undefined; readonly authorization: string | undefined }[]
  /** What it answers from now on; undefined: honest replies again. */
  answerWith(answer: ((reply: ServerResponse, honest: Buffer) => void) | undefined): void
  /** The reply to a request over these bytes. */
  stamp(data: Uint8Array): Buffer
}

const CONFIG = `
[tsa]
default_tsa = it
[it]
serial = DIRECTORY/serial
signer_cert = DIRECTORY/tsa.pem
signer_key = DIRECTORY/tsa.key
signer_digest = sha256
default_policy = 1.2.3.4.1
digests = sha256
ess_cert_id_alg = sha256
[extensions]
basicConstraints = critical, CA:false
keyUsage = critical, digitalSignature
extendedKeyUsage = critical, timeStamping
`

/** An RFC 3161 time-stamp authority on this machine: openssl behind HTTP, with a certificate of its own authority. */
export async function startTimeStampAuthority(): Promise<TimeStampAuthority> {
  const directory = mkdtempSync(join(tmpdir(), 'hansard-tsa-'))
  const path = (name: string) => join(directory, name)
  const openssl = (...args: string[]) => execFileSync('openssl', args, { stdio: ['ignore', 'pipe', 'pipe'] })
  writeFileSync(path('config'), CONFIG.replaceAll('DIRECTORY', directory))
  writeFileSync(path('serial'), '01\n')
  const ec = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes']
  openssl(
    'req',
    '-x509',
    ...ec,
    '-keyout',
    path('ca.key'),
    '-out',
    path('ca.pem'),
    '-subj',
    '/CN=Time',
    '-days',
    '3650',
  )
  openssl('req', '-new', ...ec, '-keyout', path('tsa.key'), '-out', path('tsa.csr'), '-subj', '/CN=Time stamps')
  const extensions = ['-extfile', path('config'), '-extensions', 'extensions']
  const ca = ['-CA', path('ca.pem'), '-CAkey', path('ca.key'), '-CAcreateserial', '-days', '3650']
  openssl('x509', '-req', '-in', path('tsa.csr'), ...ca, '-out', path('tsa.pem'), ...extensions)

  const replyTo = (query: Uint8Array): Buffer => {
    writeFileSync(path('query'), query)
    openssl('ts', '-reply', '-config', path('config'), '-queryfile', path('query'), '-out', path('reply'))
    return readFileSync(path('reply'))
  }
  let answer: ((reply: ServerResponse, honest: Buffer) => void) | undefined
  const requests: { contentType: string | undefined; authorization: string | undefined }[] = []
  const server = createServer((request, reply) => {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      requests.push({
        contentType: request.headers['content-type'],
        authorization: request.headers.authorization,
      })
      const honest = replyTo(Buffer.concat(parts))
      if (answer) return answer(reply, honest)
      reply.setHeader('content-type', 'application/timestamp-reply').end(honest)
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/tsa`,
    caFile: path('ca.pem'),
    requests,
    answerWith(next) {
      answer = next
    },
    stamp(data) {
      writeFileSync(path('data'), data)
      openssl('ts', '-query', '-data', path('data'), '-sha256', '-cert', '-out', path('own-query'))
      return replyTo(readFileSync(path('own-query')))
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
      await rm(directory, { recursive: true })
    },
  }
}
