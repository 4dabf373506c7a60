import type { Duplex } from 'node:stream'
import type { FastifyReply } from 'fastify'

/** The body of every answer that is not a success, as the admin API defines it, with its HTTP status. */
type HttpProblem = { readonly status: number; readonly error: string; readonly message: string }

/** No cache keeps an answer of ours, and no browser guesses its type. */
export const SAFE_HEADERS = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** The reply to an unexpected error. It never contains the framework's message, which repeats the request. */
export function httpProblem(error: unknown): HttpProblem {
  const { statusCode, code } = error as { statusCode?: unknown; code?: unknown }
  const status = typeof statusCode === 'number' ? statusCode : 500
  if (status < 400 || status >= 500)
    return { status: 500, error: 'failed', message: 'The request failed; the log says why.' }
  if (status === 413) return { status, error: 'too-large', message: 'The body is larger than this request may have.' }
  if (status === 415) return { status, error: 'malformed', message: 'Requests are of the type application/json.' }
  const message =
    code === 'FST_ERR_BAD_URL'
      ? 'The path holds what is no percent-encoded text.'
      : code === 'FST_ERR_MAX_PARAM_LENGTH'
        ? 'A part of the path is too long.'
        : 'The body is not what a request may have: JSON, in UTF-8.'
  return { status: 400, error: 'malformed', message }
}

export function sendHttpProblem(reply: FastifyReply, { status, ...body }: HttpProblem): FastifyReply {
  return reply.code(status).headers(SAFE_HEADERS).send(body)
}

const REASONS: Record<number, string> = {
  400: 'Bad Request',
  404: 'Not Found',
  408: 'Request Timeout',
  431: 'Request Header Fields Too Large',
  503: 'Service Unavailable',
}

/** Answers on a bare socket and hangs up, also on a client that keeps its own side open. */
export function endWithProblem(
  socket: Duplex,
  { status, ...body }: HttpProblem,
  headers: Readonly<Record<string, string>> = {},
): void {
  const text = JSON.stringify(body)
  const lines = Object.entries({
    ...SAFE_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'content-length': String(Buffer.byteLength(text)),
    connection: 'close',
    ...headers,
  }).map(([name, value]) => `${name}: ${value}\r\n`)
  if (!socket.writable) socket.destroy()
  else socket.end(`HTTP/1.1 ${status} ${REASONS[status]}\r\n${lines.join('')}\r\n${text}`, () => socket.destroy())
}
