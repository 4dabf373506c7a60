import { X509Certificate } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import type { Server } from 'node:https'
import { createSecureContext } from 'node:tls'
import type { Clock } from '@hansard/clock'
import { ConfigError } from '@hansard/config'
import { type Loop, startLoop } from '@hansard/lifecycle'
import type { Log } from '@hansard/log'

type TlsFiles = { readonly cert: string; readonly key: string }
type TlsMaterial = { readonly cert: Buffer; readonly key: Buffer; readonly minVersion: 'TLSv1.2' }

const LOOK_EVERY_MS = 5_000

/** Reads a certificate chain and its private key, and checks that they belong together. */
export async function readTls({ cert: certFile, key: keyFile }: TlsFiles): Promise<TlsMaterial> {
  const [cert, key] = await Promise.all([readPem('certificate', certFile), readPem('key', keyFile)])
  const material: TlsMaterial = { cert, key, minVersion: 'TLSv1.2' }
  try {
    createSecureContext(material)
  } catch (error) {
    throw new ConfigError([
      `The TLS certificate ${certFile} and the key ${keyFile} cannot be used together: ${(error as Error).message}`,
    ])
  }
  return material
}

/**
 * Takes a renewed certificate into use while the server runs. The files are compared every five seconds, which also
 * works where a watch does not (a mounted secret, a network share). Standing connections keep the certificate they
 * began with; files that cannot be used change nothing, because a renewal writes one after the other.
 */
export function followTlsFiles(
  server: Pick<Server, 'setSecureContext'>,
  { files, material, clock, log }: { files: TlsFiles; material: TlsMaterial; clock: Clock; log: Log },
): Loop {
  let current = material
  let refused: string | undefined
  return startLoop({
    clock,
    everyMs: LOOK_EVERY_MS,
    async turn() {
      const next = await readTls(files)
      refused = undefined
      if (next.cert.equals(current.cert) && next.key.equals(current.key)) return
      server.setSecureContext(next)
      current = next
      const { validTo } = new X509Certificate(next.cert)
      log.info({ certificate: files.cert, validTo }, 'a new TLS certificate is in use')
    },
    onError(error) {
      const { message } = error as Error
      if (message !== refused) log.error({ err: error }, 'the TLS certificate cannot be read; the one in use is kept')
      refused = message
    },
  })
}

async function readPem(what: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path)
  } catch (error) {
    throw new ConfigError([`The TLS ${what} ${path} cannot be read: ${(error as Error).message}`])
  }
}
