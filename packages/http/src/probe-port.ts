import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'

/**
 * The port that `listen` will get, tried and released again; rejects like `listen`. A service tries its port before it
 * takes over the name of its source: a second copy must fail without ending the first.
 */
export async function probePort({ host, port }: { host: string; port: number }): Promise<number> {
  const probe = createServer().listen(port, host)
  await once(probe, 'listening')
  const free = (probe.address() as AddressInfo).port
  probe.close()
  await once(probe, 'close')
  return free
}
