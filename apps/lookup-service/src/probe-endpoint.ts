import { randomBytes } from 'node:crypto'
import { request as httpRequest } from 'node:http'
import { request as httpsRequest } from 'node:https'
import { PROBE_HEADER, PROBE_PROTOCOL } from '@hansard/bus'
import type { Clock } from '@hansard/clock'

const ANSWER_WITHIN_MS = 3_000

/**
 * Whether a channel service answers at the endpoint that clients are given, through name service, proxy and TLS. The
 * answer names the service, so a proxy that answers in its place is recognized.
 */
export function probeEndpoint(
  { service, endpoint }: { service: string; endpoint: string },
  clock: Clock,
): Promise<boolean> {
  return new Promise((resolve) => {
    if (!URL.canParse(endpoint)) return resolve(false)
    const url = new URL(endpoint.replace(/^ws/, 'http'))
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    const request = send(url, {
      agent: false,
      // The probe sends nothing secret. Whether clients accept the certificate is up to them.
      rejectUnauthorized: false,
      headers: {
        connection: 'Upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': randomBytes(16).toString('base64'),
        'sec-websocket-protocol': PROBE_PROTOCOL,
      },
    })
    const late = clock.after(ANSWER_WITHIN_MS, () => request.destroy())
    const end = (reachable: boolean) => {
      late.cancel()
      request.destroy()
      resolve(reachable)
    }
    request.on('response', ({ statusCode, headers }) =>
      end(statusCode === 204 && headers[PROBE_HEADER] === encodeURIComponent(service)),
    )
    // A channel service of an earlier version treats the probe as a client.
    request.on('upgrade', (_response, socket) => {
      socket.destroy()
      end(true)
    })
    request.on('error', () => end(false))
    request.on('close', () => end(false))
    request.end()
  })
}
