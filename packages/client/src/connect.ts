import type { Backoff } from '@hansard/backoff'
import type { PoolDirectory } from '@hansard/wire'
import { type ClientListeners, type PoolClient, startClient } from './pool-client.ts'
import { readDirectory } from './sign-in.ts'
import { type OpenSocket, standardSocket } from './socket.ts'
import { systemTiming, type Timing } from './timing.ts'

export type ConnectOptions = ClientListeners & {
  /** The pool's address, such as `http://localhost:8080`. */
  readonly server: string
  readonly account: string
  /** A password, or a key the pool generated. */
  readonly password: string
  /** The pool's directory, when it has been read already: saves a request per client. */
  readonly directory?: PoolDirectory
  readonly fetch?: typeof fetch
  /** Another WebSocket than the one of the platform. */
  readonly openSocket?: OpenSocket
  readonly timing?: Timing
  /** Pauses between attempts to reconnect: random, below a ceiling that doubles from `delayMs` to `delayMaxMs`. */
  readonly backoff?: Backoff
  /** A silent connection is asked for a sign of life after this, and given up after twice this. */
  readonly heartbeatMs?: number
  readonly postsWaitingMax?: number
  readonly readsMax?: number
}

/**
 * Signs in to a pool. Rejects with `RefusedError` when the pool does not accept you and with
 * `UnreachableError` when it is not there; once it has resolved, the client reconnects by itself for as
 * long as it is not closed.
 */
export async function connect(options: ConnectOptions): Promise<PoolClient> {
  const { server, account, password, onReconnecting, onReconnected, onNewContent, onFeedMatch, onInvited, onClosed } =
    options
  const fetcher = options.fetch ?? fetch
  const directory = options.directory ?? (await readDirectory(server, fetcher))
  return startClient(
    {
      directory,
      account,
      password,
      fetch: fetcher,
      openSocket: options.openSocket ?? standardSocket(WebSocket),
      timing: options.timing ?? systemTiming,
      backoff: options.backoff ?? { delayMs: 500, delayMaxMs: 20_000 },
      heartbeatMs: options.heartbeatMs ?? 20_000,
      postsWaitingMax: options.postsWaitingMax ?? 10_000,
      readsMax: options.readsMax ?? 1_000,
    },
    {
      ...(onReconnecting && { onReconnecting }),
      ...(onReconnected && { onReconnected }),
      ...(onNewContent && { onNewContent }),
      ...(onFeedMatch && { onFeedMatch }),
      ...(onInvited && { onInvited }),
      ...(onClosed && { onClosed }),
    },
  )
}
