import type { IncomingMessage } from 'node:http'
import { isIP } from 'node:net'
import proxyAddr from '@fastify/proxy-addr'

/** Whether an address is one of the proxies that this pool trusts. */
export type Trust = (address: string) => boolean

/** Addresses and CIDR ranges, separated by commas. Throws with the reason when one is neither. */
export function parseProxies(text: string): readonly string[] {
  const entries = text.split(',').map((entry) => entry.trim())
  for (const entry of entries) {
    const [address, prefix] = entry.split('/', 2) as [string, string | undefined]
    const bits = isIP(address) === 4 ? 32 : 128
    const isRange = prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits)
    if (!isIP(address) || !isRange)
      throw new Error(`"${entry}" is neither an IP address nor a range such as 10.0.0.0/8; separate several by commas.`)
  }
  return entries
}

export function trustOf(proxies: readonly string[]): Trust {
  if (proxies.length === 0) return () => false
  const trust = proxyAddr.compile([...proxies])
  return (address) => trust(address, 0)
}

/** The client's address: the peer's, or what the chain of trusted proxies in front of us says it is. */
export function remoteOf(request: IncomingMessage, trust: Trust): string {
  // A peer that has gone already has no address.
  const { remoteAddress } = request.socket
  if (remoteAddress === undefined) return 'unknown'
  if (!trust(remoteAddress)) return remoteAddress
  return proxyAddr(request, (address) => trust(address))
}
