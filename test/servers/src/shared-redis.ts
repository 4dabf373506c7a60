import { askRun } from './ask-run.ts'
import { type RedisServer, startRedis } from './redis.ts'

/** The one Redis of the run. Nobody may stop, fill or flush it: a test that does starts its own. */
export type SharedRedis = AsyncDisposable & {
  readonly url: string
  /** A pool name of the caller's own: keys and channels begin with it, and pub/sub knows no databases. */
  readonly pool: string
  stop(): Promise<void>
}

/** The Redis of the run. Without a run it is a server of the caller's own. */
export async function shareRedis(): Promise<SharedRedis> {
  const told = await askRun('redis')
  const own: RedisServer | undefined = told ? undefined : await startRedis()
  const shared: SharedRedis = {
    url: told?.url ?? own!.url,
    pool: `test-${crypto.randomUUID().slice(0, 18)}`,
    stop: async () => own?.stop(),
    [Symbol.asyncDispose]: () => shared.stop(),
  }
  return shared
}
