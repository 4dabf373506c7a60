import { addressKey, Env } from '@hansard/config'
import { describe, expect, it } from 'vitest'
import { connectionsWithin } from './descriptors.ts'
import { baseUrl, httpSettings, webSocketUrl } from './index.ts'
import { parseProxies } from './trusted-proxies.ts'

function read(source: Record<string, string>) {
  const env = new Env(source)
  const settings = httpSettings(env, 'LOOKUP', 7_464)
  return { settings, problem: problemOf(() => env.check()) }
}
function problemOf(work: () => void): string | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return (error as Error).message
  }
}

describe('the address given to clients', () => {
  it('is the public URL, for WebSocket as well', () => {
    const { settings } = read({ HANSARD_PUBLIC_URL: 'https://chat.example.com/' })
    expect(baseUrl(settings)).toBe('https://chat.example.com')
    expect(webSocketUrl(baseUrl(settings), '/channel')).toBe('wss://chat.example.com/channel')
  })

  it('is the listening address when there is none', () => {
    expect(baseUrl(read({}).settings)).toBe('http://127.0.0.1:7464')
    expect(baseUrl(read({ HANSARD_LOOKUP_HOST: '::1', HANSARD_TLS_CERT: 'c', HANSARD_TLS_KEY: 'k' }).settings)).toBe(
      'https://[::1]:7464',
    )
  })

  it.each([
    'chat.example.com',
    'ftp://x',
    'https://user:password@x',
    'https://x/?a=b',
    'https://x/#a',
    'https://x/chat',
  ])('is no %s', (url) => {
    expect(read({ HANSARD_PUBLIC_URL: url }).problem).toMatch(/HANSARD_PUBLIC_URL is .*it takes a URL such as/)
  })
})

describe('listening beyond loopback', () => {
  const plain = { HANSARD_LOOKUP_HOST: '192.0.2.1' }
  it('without TLS is refused', () => {
    expect(read(plain).problem).toMatch(/Listening on 192\.0\.2\.1 without TLS would send passwords in clear/)
  })
  it.each([
    ['with a certificate', { HANSARD_TLS_CERT: 'c', HANSARD_TLS_KEY: 'k' }],
    ['when it is allowed by name', { HANSARD_INSECURE_LISTEN: 'true' }],
  ])('is done %s', (_, more) => {
    expect(read({ ...plain, ...more }).problem).toBeUndefined()
  })
  it('on every address requires a public URL, because clients cannot connect to 0.0.0.0', () => {
    const all = { HANSARD_LOOKUP_HOST: '0.0.0.0', HANSARD_INSECURE_LISTEN: 'true' }
    expect(read(all).problem).toMatch(/Clients cannot be sent to 0\.0\.0\.0/)
    expect(read({ ...all, HANSARD_PUBLIC_URL: 'https://x' }).problem).toBeUndefined()
  })
  it('with half a certificate reports the missing half', () => {
    expect(read({ ...plain, HANSARD_TLS_CERT: 'c' }).problem).toContain('HANSARD_TLS_KEY is not set')
  })
})

describe('trusted proxies', () => {
  it('are addresses and ranges', () => {
    expect(parseProxies('10.0.0.0/8, ::1')).toEqual(['10.0.0.0/8', '::1'])
  })
  it.each(['', 'proxy.example.com', '10.0.0.0/33', '10.0.0.0/x', '10.0.0.1,,10.0.0.2'])('are not "%s"', (text) => {
    expect(() => parseProxies(text)).toThrow('neither an IP address nor a range')
  })
  it('and all other peers are counted by address, IPv6 by its /64', () => {
    expect(addressKey('::ffff:192.0.2.1')).toBe('192.0.2.1')
    expect(addressKey('2001:db8:1:2::1')).toBe(addressKey('2001:db8:1:2:ffff::2'))
    expect(addressKey('2001:db8:1:3::1')).not.toBe(addressKey('2001:db8:1:2::1'))
  })
})

describe('the reserve of descriptors', () => {
  const asked = { connectionsMax: 24_000, descriptorReserve: 0 }
  it('is kept from connections', () => {
    expect(connectionsWithin(asked, { limit: 20_000 })).toBe(20_000 - 1_024)
    expect(connectionsWithin(asked, { limit: 1_024 })).toBe(768)
    expect(connectionsWithin(asked, { limit: 1_024, filesMax: 800 })).toBe(256)
    expect(connectionsWithin({ ...asked, descriptorReserve: 5_000 }, { limit: 20_000 })).toBe(15_000)
  })
  it('leaves the configured limit where the descriptor limit is high', () => {
    expect(connectionsWithin(asked, { limit: 1_000_000 })).toBe(24_000)
  })
  it('is refused when it leaves nothing, with the remedy', () => {
    expect(() => connectionsWithin({ ...asked, descriptorReserve: 1_020 }, { limit: 1_024 })).toThrow(
      /leaves no connections beside the reserve of 1020.*ulimit -n/s,
    )
  })
})
