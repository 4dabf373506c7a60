import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** The way from a host to PostgreSQL, and what happens to it when the host vanishes. */
export type VanishingHost = {
  /** The same database, reached through this host's network. */
  url(databaseUrl: string): string
  /** From now on the server hears nothing: no data, and no end of a connection. */
  vanish(): void
  /** The host is there again. The server learns that its old connections are gone. */
  comeBack(): void
  close(): void
}

export async function startVanishingHost(serverPort: number): Promise<VanishingHost> {
  const ways = new Set<{ near: Socket; far: Socket }>()
  let vanished = false
  const server = createServer((near) => {
    if (vanished) return void near.destroy()
    const far = connect(serverPort, '127.0.0.1')
    const way = { near, far }
    ways.add(way)
    near.on('data', (data) => vanished || far.write(data))
    far.on('data', (data) => vanished || near.write(data))
    for (const socket of [near, far]) socket.on('error', () => {})
    near.on('close', () => {
      if (!vanished) far.destroy()
    })
    far.on('close', () => {
      ways.delete(way)
      near.destroy()
    })
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const destroyAll = () => {
    for (const { near, far } of ways) {
      near.destroy()
      far.destroy()
    }
  }
  return {
    url(databaseUrl) {
      const url = new URL(databaseUrl)
      url.port = String(port)
      return url.href
    },
    vanish() {
      vanished = true
    },
    comeBack() {
      destroyAll()
      vanished = false
    },
    close() {
      destroyAll()
      server.close()
    },
  }
}
