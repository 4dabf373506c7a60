import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import { PROBE_HEADER, PROBE_PROTOCOL } from '@hansard/bus'

/** Whether a lookup service asks if clients can reach this service. */
export function isProbe(request: IncomingMessage): boolean {
  return request.headers['sec-websocket-protocol'] === PROBE_PROTOCOL
}

/** Says who is here, and hangs up. Costs no slot, and tells nothing that the directory does not. */
export function answerProbe(socket: Duplex, service: string): void {
  const name = encodeURIComponent(service)
  socket.end(
    `HTTP/1.1 204 No Content\r\n${PROBE_HEADER}: ${name}\r\ncache-control: no-store\r\nconnection: close\r\n\r\n`,
    () => socket.destroy(),
  )
}
