import { connect, type Socket } from 'node:net'
import type { Clock } from '@hansard/clock'

/** A virus scanner. Rejects with `ScannerAway` whenever it gave no verdict: unscanned content is never accepted. */
export type Scanner = { scan(content: AsyncIterable<Uint8Array>): Promise<Verdict> }
export type Verdict =
  | { readonly clean: true }
  | { readonly clean: false /** the scanner's name for what it found */; readonly signature: string }

/** Transient: the scanner could not be reached, or gave no verdict. The content may be scanned again later. */
export class ScannerAway extends Error {
  override name = 'ScannerAway'
  readonly hint = 'Check that clamd runs, that it listens where HANSARD_FILES_CLAMD says, and its StreamMaxLength.'
}

/**
 * Scans with a ClamAV daemon (`tcp://host:port` or `unix:/path`) by its command INSTREAM: a chunk is its length in
 * four bytes, big-endian, followed by its bytes; a chunk of length 0 ends the content. One connection per scan. The
 * scanner receives the bytes and nothing else: neither name nor path.
 */
export function createClamdScanner(options: {
  address: string
  clock: Clock
  /** the longest a scan may take, in milliseconds */
  timeoutMs?: number
}): Scanner {
  const { address, clock, timeoutMs = 60_000 } = options
  const target = targetOf(address)
  return {
    async scan(content) {
      const socket = connect(target)
      const timer = clock.after(timeoutMs, () => socket.destroy(new Error(`no verdict within ${timeoutMs} ms`)))
      // Listen from the start: clamd answers early and closes the connection when the content is too long for it.
      const reply = readReply(socket)
      reply.catch(() => {})
      try {
        await send(socket, content)
        return verdictOf(await reply)
      } catch (error) {
        if (error instanceof ContentFailed) throw error.cause
        // A connection that broke while sending may have delivered the reason before.
        const said = await reply.catch(() => undefined)
        if (said === undefined) throw new ScannerAway(`The virus scanner at ${address} is away.`, { cause: error })
        return verdictOf(said)
      } finally {
        timer.cancel()
        socket.destroy()
      }
    },
  }
}

/** Parses a scanner's address; throws with the reason when it is not one. */
export function parseClamdAddress(address: string): string {
  targetOf(address)
  return address
}

function targetOf(address: string): { host: string; port: number } | { path: string } {
  const tcp = /^tcp:\/\/(\[[0-9a-f:.]+\]|[a-z0-9.-]+):(\d{1,5})$/i.exec(address)
  if (tcp && Number(tcp[2]) > 0 && Number(tcp[2]) < 65_536)
    return { host: tcp[1]!.replace(/^\[|\]$/g, ''), port: Number(tcp[2]) }
  const unix = /^unix:(\/.+)$/.exec(address)
  if (unix) return { path: unix[1]! }
  throw new Error('it takes tcp://host:port or unix:/path.')
}

async function send(socket: Socket, content: AsyncIterable<Uint8Array>): Promise<void> {
  await write(socket, Buffer.from('zINSTREAM\0'))
  const iterator = content[Symbol.asyncIterator]()
  try {
    for (;;) {
      const next = await iterator.next().catch((error: unknown) => {
        throw new ContentFailed('The content could not be read.', { cause: error })
      })
      if (next.done) break
      if (next.value.byteLength === 0) continue
      const length = Buffer.alloc(4)
      length.writeUInt32BE(next.value.byteLength)
      await write(socket, length)
      await write(socket, next.value)
    }
  } finally {
    await iterator.return?.()
  }
  await write(socket, Buffer.alloc(4))
}

function write(socket: Socket, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => socket.write(bytes, (error) => (error ? reject(error) : resolve())))
}

const REPLY_MAX = 4_096

function readReply(socket: Socket): Promise<string> {
  return new Promise((resolve, reject) => {
    let reply = ''
    socket.on('data', (chunk) => {
      reply += chunk.toString('latin1')
      if (reply.includes('\0')) resolve(reply.slice(0, reply.indexOf('\0')))
      else if (reply.length > REPLY_MAX) reject(new Error('the reply does not end'))
    })
    socket.on('error', reject)
    socket.on('close', () => reject(new Error('the scanner hung up without a verdict')))
  })
}

/** Only these two answers are verdicts; every other answer means that nothing was scanned. */
function verdictOf(reply: string): Verdict {
  if (reply === 'stream: OK') return { clean: true }
  const found = /^stream: (.+) FOUND$/.exec(reply)
  if (found) return { clean: false, signature: found[1]! }
  throw new ScannerAway(`The virus scanner gave no verdict: ${JSON.stringify(reply.slice(0, 200))}`)
}

/** Not the scanner's fault: the content could not be read. */
class ContentFailed extends Error {}
