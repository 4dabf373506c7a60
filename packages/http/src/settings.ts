import { ConfigError, type Env, type ListenAddress, listenAddress } from '@hansard/config'
import { parseProxies } from './trusted-proxies.ts'

/** Everything the HTTP server of a service can be told. Times are milliseconds. */
export type HttpSettings = ListenAddress & {
  /** what clients reach the pool at, such as `https://chat.example.com`; undefined: `host` and `port` */
  readonly publicUrl: string | undefined
  /** paths of PEM files; undefined: without TLS */
  readonly tls: { readonly cert: string; readonly key: string } | undefined
  /** addresses and CIDR ranges whose `X-Forwarded-For` is believed */
  readonly trustedProxies: readonly string[]
  /** listen beyond loopback without TLS */
  readonly insecureListen: boolean
  /** connections at once; fewer when the limit of open files asks for it */
  readonly connectionsMax: number
  /** of these, connections that carry no session; 0: a quarter of `connectionsMax` */
  readonly pendingMax: number
  /** of these, connections of one address; 0: half of `pendingMax` */
  readonly pendingPerAddressMax: number
  /** descriptors that connections never get; 0: a quarter of the limit of open files, 1,024 at most */
  readonly descriptorReserve: number
  /** a request's headers, and a TLS handshake, arrive within this */
  readonly headersMs: number
  /** a request's body arrives within this, except on routes that take long bodies */
  readonly bodyMs: number
  /** in each period of this length a long body brings at least 4 KiB, and a reader takes something */
  readonly progressMs: number
}

export const HTTP_DEFAULTS = {
  publicUrl: undefined,
  tls: undefined,
  trustedProxies: [],
  insecureListen: false,
  connectionsMax: 24_000,
  pendingMax: 0,
  pendingPerAddressMax: 0,
  descriptorReserve: 0,
  headersMs: 10_000,
  bodyMs: 30_000,
  progressMs: 60_000,
} as const satisfies Partial<HttpSettings>

/** Reads the settings of one service's HTTP server. */
export function httpSettings(env: Env, service: string, port: number): HttpSettings {
  const settings: HttpSettings = { ...sharedHttpSettings(env), ...listenAddress(env, service, port) }
  const problem = listenProblem(settings)
  if (problem !== undefined) env.problem(problem)
  return settings
}

/** The part of the settings that does not depend on the service. */
export function sharedHttpSettings(env: Env): Omit<HttpSettings, 'host' | 'port'> {
  const d = HTTP_DEFAULTS
  return {
    publicUrl: env.parsed<string | undefined>('HANSARD_PUBLIC_URL', { parse: parsePublicUrl, fallback: d.publicUrl }),
    tls: tlsFiles(env),
    trustedProxies: env.parsed('HANSARD_TRUSTED_PROXIES', { parse: parseProxies, fallback: d.trustedProxies }),
    insecureListen: env.flag('HANSARD_INSECURE_LISTEN', { fallback: d.insecureListen }),
    connectionsMax: env.integer('HANSARD_HTTP_CONNECTIONS_MAX', {
      min: 16,
      max: 1_000_000,
      fallback: d.connectionsMax,
    }),
    pendingMax: env.integer('HANSARD_HTTP_PENDING_MAX', { min: 0, max: 1_000_000, fallback: d.pendingMax }),
    pendingPerAddressMax: env.integer('HANSARD_HTTP_PENDING_PER_ADDRESS_MAX', {
      min: 0,
      max: 1_000_000,
      fallback: d.pendingPerAddressMax,
    }),
    descriptorReserve: env.integer('HANSARD_DESCRIPTOR_RESERVE', {
      min: 0,
      max: 1_000_000,
      fallback: d.descriptorReserve,
    }),
    headersMs: 1_000 * env.integer('HANSARD_HTTP_HEADERS_SECONDS', { min: 1, max: 600, fallback: d.headersMs / 1_000 }),
    bodyMs: 1_000 * env.integer('HANSARD_HTTP_BODY_SECONDS', { min: 1, max: 3_600, fallback: d.bodyMs / 1_000 }),
    progressMs:
      1_000 * env.integer('HANSARD_HTTP_PROGRESS_SECONDS', { min: 1, max: 3_600, fallback: d.progressMs / 1_000 }),
  }
}

function tlsFiles(env: Env): HttpSettings['tls'] {
  if (env.optional('HANSARD_TLS_CERT') === undefined && env.optional('HANSARD_TLS_KEY') === undefined) return undefined
  return { cert: env.string('HANSARD_TLS_CERT'), key: env.string('HANSARD_TLS_KEY') }
}

/** The origin of an http or https URL, which may have nothing else: services tell paths of their own under it. */
function parsePublicUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol) || url.pathname !== '/' || url.search || url.hash || url.username)
    throw new Error('it takes a URL such as https://chat.example.com')
  return url.origin
}

type ListenSettings = Pick<HttpSettings, 'host' | 'publicUrl' | 'tls' | 'insecureListen'>

/** Why a server must not listen with these settings, or undefined. */
function listenProblem({ host, publicUrl, tls, insecureListen }: ListenSettings): string | undefined {
  if (isLoopback(host)) return undefined
  if (!tls && !insecureListen)
    return (
      `Listening on ${host} without TLS would send passwords in clear. Name a certificate (HANSARD_TLS_CERT and ` +
      'HANSARD_TLS_KEY, or --tls-cert and --tls-key), or allow it (HANSARD_INSECURE_LISTEN=true, or --insecure-listen) where ' +
      'only a TLS proxy reaches that address.'
    )
  if (/^(0\.0\.0\.0|\[?::\]?)$/.test(host) && publicUrl === undefined)
    return (
      `Clients cannot be sent to ${host}, which means every address of this machine. Name the address they use ` +
      '(HANSARD_PUBLIC_URL, or --public-url).'
    )
  return undefined
}

export function requireListenable(settings: ListenSettings): void {
  const problem = listenProblem(settings)
  if (problem !== undefined) throw new ConfigError([problem])
}

function isLoopback(host: string): boolean {
  return /^(localhost|127(\.\d{1,3}){3}|\[?::1\]?)$/i.test(host)
}

/** The base URL that clients are told: the public one, or the address the service listens on. */
export function baseUrl({
  host,
  port,
  publicUrl,
  tls,
}: Pick<HttpSettings, 'host' | 'port' | 'publicUrl' | 'tls'>): string {
  return publicUrl ?? `${tls ? 'https' : 'http'}://${host.includes(':') ? `[${host}]` : host}:${port}`
}

/** The same address for WebSocket: `wss` for `https`. */
export function webSocketUrl(base: string, path: string): string {
  return `${base.replace(/^http/, 'ws')}${path}`
}
