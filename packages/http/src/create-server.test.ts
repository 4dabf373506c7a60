import { ManualClock } from '@hansard/clock'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { RawConnection, startHttpInTest } from './http-in-test.ts'

let server: Awaited<ReturnType<typeof startHttpInTest>>
beforeEach(async () => {
  server = await startHttpInTest(new ManualClock(0), { trustedProxies: ['127.0.0.1/32', '10.0.0.0/8'] })
})
afterEach(() => server.stop())

const json = { 'content-type': 'application/json' }
describe('every response', () => {
  it.each([
    ['a success', 200, '/who', {}, undefined],
    ['an unknown path', 404, '/nothing', {}, 'not-found'],
    ['another method', 405, '/who', { method: 'DELETE' }, 'not-found'],
    ['another type', 415, '/echo', { method: 'POST', body: 'x', headers: { 'content-type': 'text/csv' } }, 'malformed'],
    [
      'a body that is too large',
      413,
      '/echo',
      { method: 'POST', body: `"${'x'.repeat(80)}"`, headers: json },
      'too-large',
    ],
    ['a body that is no JSON', 400, '/echo', { method: 'POST', body: '{', headers: json }, 'malformed'],
    ['a path that is no text', 400, '/%ff', {}, 'malformed'],
  ])('of %s has the status %i, no cache, and the common error format', async (_, status, path, init, error) => {
    const response = await fetch(`${server.url}${path}`, init)

    expect(response.status).toBe(status)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    const body = (await response.json()) as object
    if (error !== undefined) expect(body).toEqual({ error, message: expect.stringMatching(/^[A-Z].*\.$/) })
  })

  it('lists the methods of a path', async () => {
    const response = await fetch(`${server.url}/echo`, { method: 'DELETE' })
    expect(response.headers.get('allow')).toBe('POST')
  })

  it('to invalid HTTP has that format too', async () => {
    const raw = new RawConnection(server.port, 'hello\r\n\r\n')
    await raw.closed
    expect(raw.heard).toMatch(/^HTTP\/1\.1 400 [\s\S]*no-store[\s\S]*\{"error":"malformed"/)
  })
})

describe('the address of a client', () => {
  const remote = async (port: number, forwarded: string, address: string) => {
    const raw = new RawConnection(
      port,
      `GET /who HTTP/1.1\r\nhost: x\r\nx-forwarded-for: ${forwarded}\r\nconnection: close\r\n\r\n`,
      address,
    )
    await raw.closed
    return /"remote":"([^"]*)"/.exec(raw.heard)?.[1]
  }
  it('is the one reported by trusted proxies, as far as the chain is trusted', async () => {
    expect(await remote(server.port, '203.0.113.9', '127.0.0.1')).toBe('203.0.113.9')
    expect(await remote(server.port, '198.51.100.7, 203.0.113.9, 10.1.2.3', '127.0.0.1')).toBe('203.0.113.9')
  })
  it('is the peer’s own when the reporter is not trusted', async () => {
    expect(await remote(server.port, '203.0.113.9', '127.0.0.2')).toBe('127.0.0.2')
  })
})
