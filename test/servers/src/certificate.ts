import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'

/** A self-signed certificate, made by openssl: for `localhost` and 127.0.0.1, with the common name `name`. */
export async function makeCertificate(directory: string, name: string): Promise<{ cert: string; key: string }> {
  const [cert, key] = [join(directory, `${name}.crt`), join(directory, `${name}.key`)]
  await promisify(execFile)('openssl', [
    ...['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-noenc', '-days', '7'],
    ...['-subj', `/CN=${name}`, '-addext', 'subjectAltName=DNS:localhost,DNS:chat.example.com,IP:127.0.0.1'],
    ...['-keyout', key, '-out', cert],
  ])
  return { cert, key }
}
