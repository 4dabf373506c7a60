import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import { ManualClock, systemClock } from '@hansard/clock'
import { type ClamdServer, EICAR, EICAR_SIGNATURE, startClamd } from '@hansard/test-servers'
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { createClamdScanner, parseClamdAddress, ScannerAway } from './clamd.ts'

async function* pieces(...parts: (string | Uint8Array)[]): AsyncGenerator<Uint8Array> {
  for (const part of parts) yield Buffer.from(part)
}

describe('a real clamd', () => {
  let clamd: ClamdServer
  beforeAll(async () => {
    clamd = await startClamd({ streamMaxMegabytes: 1 })
  })
  afterAll(() => clamd?.stop())

  it('passes clean content and names what it finds', async () => {
    const scanner = createClamdScanner({ address: clamd.url, clock: systemClock })

    expect(await scanner.scan(pieces('a quiet text'))).toEqual({ clean: true })
    expect(await scanner.scan(pieces())).toEqual({ clean: true })
    expect(await scanner.scan(pieces(`a text with ${EICAR.slice(0, 2)}`, EICAR.slice(2)))).toEqual({
      clean: false,
      signature: EICAR_SIGNATURE,
    })
    expect(await scanner.scan(pieces(...Array.from({ length: 9 }, () => Buffer.alloc(100_000, 'x'))))).toEqual({
      clean: true,
    })
  })

  it('gives no verdict above its size limit, which does not count as clean', async () => {
    const scanner = createClamdScanner({ address: clamd.url, clock: systemClock })
    const long = Array.from({ length: 400 }, () => Buffer.alloc(100_000, 'x'))
    await expect(scanner.scan(pieces(...long))).rejects.toThrow(ScannerAway)
  })

  it('that was killed is away, and scans again after a restart', async () => {
    const scanner = createClamdScanner({ address: clamd.url, clock: systemClock })
    await clamd.kill()
    await expect(scanner.scan(pieces('a quiet text'))).rejects.toThrow(ScannerAway)
    await clamd.restart()
    expect(await scanner.scan(pieces('a quiet text'))).toEqual({ clean: true })
  })
})

describe('a scanner', () => {
  let server: Server | undefined
  const sockets = new Set<Socket>()
  afterEach(() => {
    for (const socket of sockets) socket.destroy()
    sockets.clear()
    server?.close()
  })

  /** A server that reads what INSTREAM sends and then does what the test says. */
  async function serve(then: (socket: Socket, content: Buffer) => void): Promise<string> {
    server = createServer((socket) => {
      sockets.add(socket)
      socket.on('error', () => {})
      let bytes = Buffer.alloc(0)
      socket.on('data', (chunk) => {
        bytes = Buffer.concat([bytes, chunk])
        const command = 'zINSTREAM\0'
        const parts: Buffer[] = []
        for (let at = command.length; at + 4 <= bytes.length; ) {
          const length = bytes.readUInt32BE(at)
          if (length === 0) return then(socket, Buffer.concat(parts))
          parts.push(bytes.subarray(at + 4, at + 4 + length))
          at += 4 + length
        }
      })
    })
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve))
    return `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  it('gets the exact bytes, in chunks of any size', async () => {
    const content = Buffer.from(Array.from({ length: 70_000 }, (_, n) => (n * 7) % 256))
    let seen: Buffer | undefined
    const address = await serve((socket, received) => {
      seen = received
      socket.end('stream: OK\0')
    })
    const scanner = createClamdScanner({ address, clock: systemClock })
    await scanner.scan(pieces(content.subarray(0, 1), '', content.subarray(1, 65_000), content.subarray(65_000)))
    expect(seen?.equals(content)).toBe(true)
  })

  it.each([
    ['INSTREAM size limit exceeded. ERROR\0'],
    ['stream: OK'],
    ['stream: OK\n\0'],
    ['something: OK\0'],
    ['UNKNOWN COMMAND\0'],
    [''],
    ['no end'.repeat(1_000)],
  ])('that replies %.40j has given no verdict', async (reply) => {
    const address = await serve((socket) => socket.end(reply))
    await expect(createClamdScanner({ address, clock: systemClock }).scan(pieces('x'))).rejects.toThrow(ScannerAway)
  })

  it('that is not running is away', async () => {
    const address = await serve(() => {})
    server!.close()
    await expect(createClamdScanner({ address, clock: systemClock }).scan(pieces('x'))).rejects.toThrow(ScannerAway)
    const unix = createClamdScanner({ address: 'unix:/nonexistent/clamd.sock', clock: systemClock })
    await expect(unix.scan(pieces('x'))).rejects.toThrow(ScannerAway)
  })

  it('that does not reply is given up at the time limit', async () => {
    const clock = new ManualClock(0)
    let reached = () => {}
    const reachedIt = new Promise<void>((resolve) => {
      reached = resolve
    })
    const address = await serve(() => reached())
    const scanning = createClamdScanner({ address, clock, timeoutMs: 5_000 }).scan(pieces('x'))
    scanning.catch(() => {})
    await reachedIt
    clock.advance({ seconds: 5 })
    await expect(scanning).rejects.toThrow(ScannerAway)
  })

  it('is not reported as away when the content cannot be read', async () => {
    const address = await serve(() => {})
    async function* broken(): AsyncGenerator<Uint8Array> {
      yield Buffer.from('x')
      throw new Error('the disk is gone')
    }
    await expect(createClamdScanner({ address, clock: systemClock }).scan(broken())).rejects.toThrow('the disk is gone')
  })

  it.each(['clamd', 'tcp://host', 'tcp://host:0', 'tcp://host:70000', 'unix:relative', 'http://host:1', ''])(
    'refuses the address %j',
    (address) => {
      expect(() => parseClamdAddress(address)).toThrow('it takes')
    },
  )
})
