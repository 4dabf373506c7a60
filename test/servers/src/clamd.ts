import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

const FOUND = 'EICAR'
const END = Buffer.alloc(4)

/** A server that speaks the protocol of clamd, `INSTREAM`, and finds `Test.Eicar` in whatever holds the word EICAR. */
export async function startClamd(): Promise<{ readonly address: string; stop(): void }> {
  const server = createServer((socket) => {
    let bytes = Buffer.alloc(0)
    socket.on('error', () => {})
    socket.on('data', (chunk) => {
      bytes = Buffer.concat([bytes, chunk])
      if (!bytes.subarray(-4).equals(END)) return
      socket.end(bytes.includes(FOUND) ? 'stream: Test.Eicar FOUND\0' : 'stream: OK\0')
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return {
    address: `tcp://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => void server.close(),
  }
}
