import { UnsafeAddressError } from './errors.ts'

/**
 * Throws when an address that a pool named must not be followed: from TLS to none, or from another machine to this one.
 *
 * A pool behind a proxy that is set up wrongly names the addresses it sees itself by, `http://127.0.0.1:7464`. A client
 * that followed would send its password in clear to a program that happens to listen on its own machine.
 */
export function requireFollowable(from: string, to: string): void {
  const [known, named] = [new URL(from), URL.canParse(to) ? new URL(to) : undefined]
  if (!named || !/^(https?|wss?):$/.test(named.protocol)) throw new UnsafeAddressError(from, to, 'is not one of a pool')
  if (isSecure(known) && !isSecure(named)) throw new UnsafeAddressError(from, to, 'is without TLS')
  if (!isLoopback(known) && isLoopback(named)) throw new UnsafeAddressError(from, to, 'is on this machine')
}

function isSecure({ protocol }: URL): boolean {
  return protocol === 'https:' || protocol === 'wss:'
}

/** Also of an address that means all of this machine. URLs have been made uniform: 127.1 is 127.0.0.1 by now. */
function isLoopback({ hostname }: URL): boolean {
  return /^(localhost|.*\.localhost|127\.\d+\.\d+\.\d+|0\.0\.0\.0|\[::1?\]|\[::ffff:(7f[0-9a-f]{2}:[0-9a-f]+|0:0)\])\.?$/.test(
    hostname,
  )
}

export function isFollowable(from: string, to: string): boolean {
  try {
    requireFollowable(from, to)
    return true
  } catch {
    return false
  }
}

/** Where a file token can be used: at the address that came with it, and at the other file services. */
export function fileUrls(endpoint: string, url: string, fileServices: readonly string[]): string[] {
  requireFollowable(endpoint, url)
  const kind = url.slice(url.lastIndexOf('/') + 1)
  const others = fileServices.map((base) => `${base.replace(/\/+$/, '')}/${kind}`)
  return [url, ...others.filter((other) => other !== url && isFollowable(endpoint, other))]
}
