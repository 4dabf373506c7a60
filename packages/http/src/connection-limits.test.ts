import { once } from 'node:events'
import type { Duplex } from 'node:stream'
import { ManualClock } from '@hansard/clock'
import { yieldToEventLoop } from '@hansard/lifecycle'
import { afterEach, describe, expect, it } from 'vitest'
import { RawConnection, startHttpInTest } from './http-in-test.ts'
import type { HttpSettings } from './settings.ts'

const open: { stop(): Promise<void> }[] = []
const connections: RawConnection[] = []
afterEach(async () => {
  for (const { socket } of connections.splice(0)) socket.destroy()
  for (const server of open.splice(0)) await server.stop()
})
async function start(settings: Partial<HttpSettings>) {
  const clock = new ManualClock(0)
  const server = await startHttpInTest(clock, settings)
  open.push(server)
  const raw = (text = '', address?: string) => {
    const connection = new RawConnection(server.port, text, address)
    connections.push(connection)
    return connection
  }
  /** Time passes a second at a time, so that the server looks at its connections in between. */
  const pass = async (seconds: number) => {
    for (let second = 0; second < seconds; second += 1) {
      clock.advance({ seconds: 1 })
      await yieldToEventLoop()
    }
  }
  return { pass, server, raw, pending: (count: number) => expect.poll(server.pending).toBe(count) }
}

const HALF = 'POST /echo HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: 60\r\n\r\n{"a":'
const LONG = 'PUT /long HTTP/1.1\r\nhost: x\r\ncontent-length: 100000\r\n\r\n'

describe('an incomplete request', () => {
  it('is answered with 408 in the common error format, and its connection is closed', async () => {
    const { pass, server, raw } = await start({ bodyMs: 30_000 })
    const reached = once(server.app.server, 'request')
    const half = raw(HALF)
    await reached

    await pass(29)
    expect(half.isClosed).toBe(false)
    await pass(3)
    await half.closed

    expect(half.heard).toMatch(/^HTTP\/1\.1 408 /)
    expect(half.heard).toContain('cache-control: no-store')
    expect(half.heard).toContain('{"error":"malformed","message":"The request did not arrive in time."}')
    expect(server.pending()).toBe(0)
  })

  it('is closed too when its headers do not end', async () => {
    const { raw } = await start({ headersMs: 100 })
    const slow = raw('GET /who HTTP/1.1\r\nhost: x\r\nx-')
    await slow.closed
    expect(slow.heard).toMatch(/^HTTP\/1\.1 408 /)
  })

  it('has no time limit on a route for long bodies, as long as data arrives', async () => {
    const { pass, server, raw } = await start({ bodyMs: 1_000, progressMs: 60_000 })
    const reached = once(server.app.server, 'request')
    const upload = raw(LONG)
    const [request] = await reached
    const arrives = async (bytes: number) => {
      const before = request.socket.bytesRead
      upload.socket.write('x'.repeat(bytes))
      await expect.poll(() => request.socket.bytesRead).toBe(before + bytes)
    }
    for (let minute = 0; minute < 20; minute += 1) {
      await arrives(5_000)
      if (minute === 19) break
      await pass(60)
    }
    await expect.poll(() => upload.heard).toContain('{"bytes":100000}')
  })

  it('is aborted on such a route when almost no data arrives', async () => {
    const { pass, server, raw } = await start({ progressMs: 60_000 })
    const reached = once(server.app.server, 'request')
    const upload = raw(LONG)
    await reached
    for (let second = 0; second < 130 && !upload.isClosed; second += 1) {
      upload.socket.write('x')
      await pass(1)
    }
    await upload.closed
    expect(upload.heard).toMatch(/^HTTP\/1\.1 408 /)
  })
})

it('reads what is left of a long body for a while after its answer', async () => {
  const { pass, server, raw } = await start({ bodyMs: 30_000, progressMs: 600_000 })
  const reached = once(server.app.server, 'request')
  const upload = raw(LONG.replace('host: x', 'host: x\r\nx-hold: 1'))
  const [, response] = await reached
  await pass(60)
  server.release()
  await once(response, 'finish')

  await pass(29)
  expect(upload.isClosed).toBe(false)
  await pass(4)
  await upload.closed
})

describe('connections without a session', () => {
  it('of one address have a limit: the oldest without a request in progress is closed', async () => {
    const { raw, pending, server } = await start({ pendingMax: 100, pendingPerAddressMax: 3 })
    const first = raw(HALF)
    await pending(1)
    for (let n = 2; n <= 3; n += 1) {
      raw(HALF)
      await pending(n)
    }
    const other = raw('', '127.0.0.2')
    await pending(4)

    const asking = await fetch(`${server.url}/who`)

    expect(await asking.json()).toEqual({ remote: '127.0.0.1' })
    await first.closed
    expect(other.isClosed).toBe(false)
    expect(server.pending()).toBe(4)
  })

  it('have a total limit, and one that waits for its response is kept', async () => {
    const { raw, pending, server } = await start({ pendingMax: 2, pendingPerAddressMax: 2 })
    const reached = once(server.app.server, 'request')
    const upload = raw(LONG, '127.0.0.2')
    await reached
    const idle = raw('', '127.0.0.3')
    await pending(2)
    // The upload is the older one. It is being received, so the idle one goes.
    upload.socket.write('x'.repeat(50_000))
    raw('', '127.0.0.4')
    await idle.closed
    upload.socket.write('x'.repeat(50_000))
    await expect.poll(() => upload.heard).toContain('{"bytes":100000}')
  })

  it('of a trusted proxy count in total only', async () => {
    const { raw, pending } = await start({
      pendingMax: 100,
      pendingPerAddressMax: 2,
      trustedProxies: ['127.0.0.1'],
    })
    for (let n = 0; n < 5; n += 1) raw()
    await pending(5)
  })
})

describe('a request to upgrade', () => {
  const UPGRADE = 'GET /who HTTP/1.1\r\nhost: x\r\nconnection: Upgrade\r\nupgrade: websocket\r\n\r\n'

  it.each(['resetAndDestroy', 'end'] as const)(
    'is a request like any other on a server without a channel: %s',
    async (leave) => {
      const { raw, pending } = await start({})
      const connection = raw(UPGRADE)
      await expect.poll(() => connection.heard).toContain('{"remote":"127.0.0.1"}')
      await pending(1)

      connection.socket[leave]()

      await connection.closed
      await pending(0)
    },
  )

  it.each(['resetAndDestroy', 'end'] as const)('survives a client that leaves at once: %s', async (leave) => {
    const { server, raw, pending } = await start({})
    const connected = once(server.app.server, 'connection')
    const connection = raw(UPGRADE)
    await connected
    connection.socket[leave]()
    await connection.closed

    await pending(0)
    const connections = () =>
      new Promise((resolve) => server.app.server.getConnections((_error, count) => resolve(count)))
    await expect.poll(connections).toBe(0)
  })

  it('is handed over on a server with a channel, and its connection does not count', async () => {
    const { server, raw, pending } = await start({})
    const taken = new Promise<{ socket: Duplex }>((resolve) =>
      server.takeUpgrades((_request, socket) => resolve({ socket })),
    )
    const connection = raw(UPGRADE)
    const { socket } = await taken
    await pending(0)
    const closed = new Promise((resolve) => socket.once('close', resolve))

    connection.socket.resetAndDestroy()

    await closed
  })
})
