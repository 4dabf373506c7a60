import type { Backoff } from '@hansard/backoff'
import type { PoolDirectory } from '@hansard/wire'
import { isFollowable, requireFollowable } from './may-follow.ts'
import { type ClientListeners, type PoolClient, startClient } from './pool-client.ts'
import { findDirectory } from './sign-in.ts'
import { type OpenSocket, standardSocket } from './socket.ts'
import { systemTiming, type Timing } from './timing.ts'

export type ConnectOptions = ClientListeners & {
  /** The pool's address, such as `https://chat.example.com`, or several of one pool: the first one that answers counts. */
  readonly server: string | readonly string[]
  readonly account: string
  /** A password, or a key the pool generated. */
  readonly password: string
  /** The token this device was given by an earlier `onDevice`: wrong guesses made elsewhere do not delay it. */
  readonly device?: string
  /** The device was given a token: keep it, and give it to later `connect`s of the account on this device. */
  readonly onDevice?: (token: string) => void
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
  /** The first connection is tried again for this long when the channel service that was named cannot be reached. */
  readonly firstConnectMs?: number
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
  const servers = [server].flat()
  const found = options.directory
    ? { server: servers[0]!, directory: options.directory }
    : await findDirectory(servers, fetcher)
  return startClient(
    {
      lookups: lookupsOf(found),
      fileServices: found.directory.files ?? [],
      account,
      password,
      device: options.device,
      onDevice: options.onDevice,
      fetch: fetcher,
      openSocket: options.openSocket ?? standardSocket(WebSocket),
      timing: options.timing ?? systemTiming,
      backoff: options.backoff ?? { delayMs: 500, delayMaxMs: 20_000 },
      heartbeatMs: options.heartbeatMs ?? 20_000,
      firstConnectMs: options.firstConnectMs ?? 10_000,
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

/** The lookup services that a directory names. The first must be safe to follow; of the others those that are not are left out. */
function lookupsOf({ server, directory }: { server: string; directory: PoolDirectory }): string[] {
  requireFollowable(server, directory.lookup)
  const others = (directory.lookups ?? []).filter((url) => url !== directory.lookup && isFollowable(server, url))
  return [directory.lookup, ...others]
}
