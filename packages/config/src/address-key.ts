import { isIPv4 } from 'node:net'
import ipaddr from 'ipaddr.js'

/**
 * What connections and attempts of one client are counted by: an IPv4 address, or the /64 network of an IPv6 one,
 * because a network of that size is given to a single customer.
 */
export function addressKey(address: string): string {
  // Every connection asks several times, and ipaddr.js is slow. Node accepts IPv4 only in normal form.
  if (isIPv4(address) || !ipaddr.isValid(address)) return address
  const parsed = ipaddr.process(address)
  if (parsed.kind() === 'ipv4') return parsed.toString()
  return `${(parsed as ipaddr.IPv6).parts
    .slice(0, 4)
    .map((part) => part.toString(16))
    .join(':')}::/64`
}
